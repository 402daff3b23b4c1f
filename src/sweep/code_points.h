#pragma once

#include <string>
#include <string_view>

namespace gatesweep {

// Every byte that is not part of well-formed UTF-8 becomes one U+FFFD: completions cut by a token limit may end inside
// a character.
std::u32string decode_utf8(std::string_view text);
void append_utf8(std::string& out, char32_t c);

// White space of any script, controls, and the characters that take no room (zero width space, soft hyphen, ...).
bool is_blank(char32_t c);

}  // namespace gatesweep
