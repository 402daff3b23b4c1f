// Kinds and cases of letters.
#pragma once

#include <optional>

#include "value.h"

#include "text.h"

namespace gatesweep::jinja {

bool is_space(char32_t c);      // for strip() and split()
bool is_printable(char32_t c);  // for repr()
char32_t to_upper(char32_t c);  // refuses where it is not known, or more than one character
char32_t to_lower(char32_t c);
bool is_cased(char32_t c);
Text upper(Text const& text);
Text lower(Text const& text);
Text capitalize(Text const& text);
Text title(Text const& text);
Text swap_case(Text const& text);

}  // namespace gatesweep::jinja
