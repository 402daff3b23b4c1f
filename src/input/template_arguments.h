// [model] template_arguments and date: what a job tells a chat template.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "gatesweep/input/toml_section.h"

namespace gatesweep {

// The entries of a table as JSON. Refuses dates, numbers that are not finite, and variables that the program sets.
std::map<std::string, std::string> read_template_arguments(Section const& section, std::string_view key);
// The same as one inline table of TOML.
std::string template_arguments_text(std::map<std::string, std::string> const& arguments);

// A day of the calendar, "2026-11-30"; empty where the job gives none.
std::string read_date(Section const& section, std::string_view key);

}  // namespace gatesweep
