// A CSV prompt file.
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

// `table.name` must be set; `text` has no byte order mark.
void read_csv(std::string_view text, PromptTable& table);

}  // namespace gatesweep
