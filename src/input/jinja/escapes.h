// Escapes in a quoted text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep::jinja {

// What a Python escape means; `at` is behind its backslash, and then at its last byte. Nothing for one that is refused.
std::optional<std::string> read_escape(std::string_view source, std::size_t& at);

}  // namespace gatesweep::jinja
