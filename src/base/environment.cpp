#include "gatesweep/base/environment.h"

#include <cstdlib>

#include "gatesweep/base/error.h"

namespace gatesweep {

std::string_view word_of_environment(char const* name, std::string_view first, std::string_view second,
                                     std::string_view otherwise) {
    char const* const text = std::getenv(name);
    if (!text) return otherwise;
    std::string_view const word = text;
    GATESWEEP_VALIDATE(word == first || word == second, ExitCode::usage,
                       "{}=\"{}\" is neither {} nor {}: unset it, or write one of them", name, printable(word), first,
                       second);
    return word == first ? first : second;
}

}  // namespace gatesweep
