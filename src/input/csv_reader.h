// A CSV prompt file, or one that tabs or semicolons separate.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/input/chat_template.h"
#include "prompt_table.h"

namespace gatesweep {

// `table.name` must be set; `text` has no byte order mark. Where the header has no comma, tabs or semicolons separate,
// and a notice says so.
void read_csv(std::string_view text, PromptTable& table);
// Tabs separate.
void read_tsv(std::string_view text, PromptTable& table);

}  // namespace gatesweep
