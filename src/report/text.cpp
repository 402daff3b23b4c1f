#include "text.h"

#include <cstddef>

namespace gatesweep {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

bool is_continuation(unsigned char c) {
    return (c & 0xC0U) == 0x80U;
}

// Bytes of the well-formed character at the front (Unicode table 3-7: no overlong forms, no surrogates), 0 when none
// is.
std::size_t character_length(std::string_view text) {
    auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned char const first = byte(0);
    if (first < 0x80) return 1;
    std::size_t const length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if (!is_continuation(byte(i))) return 0;
    }
    bool const is_overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
    bool const is_outside = (first == 0xED && byte(1) >= 0xA0) || (first == 0xF4 && byte(1) >= 0x90);
    return is_overlong || is_outside ? 0 : length;
}

template <class Append>
void for_each_character(std::string_view text, Append append) {
    while (!text.empty()) {
        std::size_t const length = character_length(text);
        auto const first = static_cast<unsigned char>(text.front());
        bool const is_control = length == 1 && ((first < 0x20 && first != '\n' && first != '\t') || first == 0x7F);
        append(length == 0 || is_control ? replacement : text.substr(0, length));
        text.remove_prefix(length == 0 ? 1 : length);
    }
}

}  // namespace

std::string clean_utf8(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    for_each_character(text, [&](std::string_view character) { clean += character; });
    return clean;
}

std::string html_escape(std::string_view text) {
    std::string escaped;
    escaped.reserve(text.size() + text.size() / 8);
    for_each_character(text, [&](std::string_view character) {
        switch (character.front()) {
            case '&':
                escaped += "&amp;";
                break;
            case '<':
                escaped += "&lt;";
                break;
            case '>':
                escaped += "&gt;";
                break;
            case '"':
                escaped += "&quot;";
                break;
            case '\'':
                escaped += "&#39;";
                break;
            default:
                escaped += character;
        }
    });
    return escaped;
}

std::string shortened(std::string_view text, std::size_t max_characters) {
    std::string cut;
    std::size_t num_characters = 0;
    for_each_character(text, [&](std::string_view character) {
        if (num_characters++ < max_characters) cut += character;
    });
    return num_characters > max_characters ? cut + "\xE2\x80\xA6" : cut;
}

}  // namespace gatesweep
