#include "gatesweep/base/utf8.h"

#include <utf8.h>

namespace gatesweep {

std::size_t find_invalid_utf8(std::string_view text) {
    return utf8::find_invalid(text);
}

std::size_t character_length(std::string_view text) {
    auto end = text.begin();
    auto const code = utf8::internal::validate_next(end, text.end());
    return code == utf8::internal::UTF8_OK ? static_cast<std::size_t>(end - text.begin()) : 0;
}

std::u32string decode_utf8(std::string_view text) {
    std::u32string out;
    out.reserve(text.size());
    while (!text.empty()) {
        std::size_t const length = character_length(text);
        out += length == 0 ? replacement_character : static_cast<char32_t>(utf8::peek_next(text.begin(), text.end()));
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out;
}

void append_utf8(std::string& out, char32_t c) {
    utf8::append(c, out);
}

bool is_blank(char32_t c) {
    bool const is_control = c <= 0x20 || (c >= 0x7F && c <= 0xA0);
    bool const is_space = c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
                          c == 0x205F || c == 0x3000;
    bool const takes_no_room =
        c == 0xAD || c == 0x180E || (c >= 0x200B && c <= 0x200F) || (c >= 0x2060 && c <= 0x2064) || c == 0xFEFF;
    return is_control || is_space || takes_no_room;
}

}  // namespace gatesweep
