#pragma once

#include <cstddef>
#include <string_view>

namespace gatesweep {

// Where the first byte stands that is not part of well-formed UTF-8 (no surrogates, no overlong forms); npos when all
// is.
std::size_t find_invalid_utf8(std::string_view text);

}  // namespace gatesweep
