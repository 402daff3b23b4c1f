// Environment variables that choose between two words.
#pragma once

#include <string_view>

namespace gatesweep {

// The word of the two that the variable holds; `otherwise` where it is not set. Errors: ExitCode::usage for another
// word.
std::string_view word_of_environment(char const* name, std::string_view first, std::string_view second,
                                     std::string_view otherwise);

}  // namespace gatesweep
