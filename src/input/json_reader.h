// Prompt files in JSON: a list, or a value a line.
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

void read_json_lines(std::string_view text, PromptTable& table);
void read_json_list(std::string_view text, PromptTable& table);

}  // namespace gatesweep
