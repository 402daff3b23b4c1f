#include "text.h"

#include <cstddef>

#include "gatesweep/base/utf8.h"

namespace gatesweep {
namespace {

template <class Append>
void for_each_character(std::string_view text, Append append) {
    while (!text.empty()) {
        std::size_t const length = character_length(text);
        auto const first = static_cast<unsigned char>(text.front());
        bool const is_control = length == 1 && ((first < 0x20 && first != '\n' && first != '\t') || first == 0x7F);
        append(length == 0 || is_control ? replacement_utf8 : text.substr(0, length));
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
