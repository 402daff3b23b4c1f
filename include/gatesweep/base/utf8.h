// UTF-8, by the library utfcpp. What is not part of well-formed UTF-8 (no surrogates, no overlong forms) counts byte by
// byte: completions that a token limit cut may end inside a character.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gatesweep {

inline constexpr char32_t replacement_character = 0xFFFD;
inline constexpr std::string_view replacement_utf8 = "\xEF\xBF\xBD";

// Where the first byte stands that is not part of well-formed UTF-8; npos when all is.
std::size_t find_invalid_utf8(std::string_view text);

// The bytes of the character at the front of a text that is not empty; 0 where it begins with none.
std::size_t character_length(std::string_view text);

// Every byte that is not part of well-formed UTF-8 becomes one U+FFFD.
std::u32string decode_utf8(std::string_view text);
void append_utf8(std::string& out, char32_t c);

// White space of any script, controls, and the characters that take no room (zero width space, soft hyphen, ...).
bool is_blank(char32_t c);

}  // namespace gatesweep
