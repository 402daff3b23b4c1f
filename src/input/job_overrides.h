#pragma once

#include <toml++/toml.h>
#include <string>
#include <vector>

namespace gatesweep {

// Lays --set arguments ("section.key=value", "prompts.0.limit=10") over a parsed job. A value that is not TOML and does
// not begin like a list, table or quoted text is taken as a text. An inline table replaces the table of the file.
// Errors: ExitCode::usage for what is no "key=value", ExitCode::job for an entry of a list that is not there.
void apply_overrides(toml::table& job, std::vector<std::string> const& overrides);

}  // namespace gatesweep
