#include "code_points.h"

namespace gatesweep {
namespace {

struct Decoded {
    char32_t value;
    std::size_t length;
};

Decoded first_of(std::string_view text) {
    constexpr Decoded wrong{0xFFFD, 1};
    auto const byte = static_cast<unsigned char>(text[0]);
    if (byte < 0x80) return {byte, 1};
    std::size_t const length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
    if (byte < 0xC2 || byte > 0xF4 || text.size() < length) return wrong;
    char32_t value = byte & (0x7Fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        auto const next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0) != 0x80) return wrong;
        value = value << 6 | (next & 0x3Fu);
    }
    constexpr char32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    bool const is_surrogate = value >= 0xD800 && value <= 0xDFFF;
    return value < lowest[length] || value > 0x10FFFF || is_surrogate ? wrong : Decoded{value, length};
}

}  // namespace

std::u32string decode_utf8(std::string_view text) {
    std::u32string out;
    out.reserve(text.size());
    while (!text.empty()) {
        auto const [value, length] = first_of(text);
        out += value;
        text.remove_prefix(length);
    }
    return out;
}

void append_utf8(std::string& out, char32_t c) {
    auto const add = [&](char32_t byte) { out += static_cast<char>(byte); };
    if (c < 0x80) {
        add(c);
    } else if (c < 0x800) {
        add(0xC0 | c >> 6), add(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        add(0xE0 | c >> 12), add(0x80 | (c >> 6 & 0x3F)), add(0x80 | (c & 0x3F));
    } else {
        add(0xF0 | c >> 18), add(0x80 | (c >> 12 & 0x3F)), add(0x80 | (c >> 6 & 0x3F)), add(0x80 | (c & 0x3F));
    }
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
