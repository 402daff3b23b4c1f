#include "letters.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "text.h"

namespace gatesweep::jinja {
namespace {

struct Range {
    char32_t first, last;
};

template <std::size_t size>
bool is_in(Range const (&ranges)[size], char32_t c) {
    return std::any_of(std::begin(ranges), std::end(ranges), [&](Range r) { return c >= r.first && c <= r.last; });
}

// Scripts and signs without upper and lower case.
constexpr Range caseless[] = {
    {0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},       {0xBB, 0xBF},       {0xD7, 0xD7},
    {0xF7, 0xF7},     {0x300, 0x344},   {0x346, 0x36F},     {0x5BE, 0x109F},    {0x1100, 0x139F},
    {0x1780, 0x18AF}, {0x2000, 0x2070}, {0x2080, 0x208F},   {0x20A0, 0x20BF},   {0x2190, 0x245F},
    {0x2500, 0x2BFF}, {0x2E80, 0xA63F}, {0xAC00, 0xD7A3},   {0xE000, 0xFAFF},   {0xFE00, 0xFF20},
    {0xFF3B, 0xFF40}, {0xFF5B, 0xFFFD}, {0x1F000, 0x1F0FF}, {0x1F200, 0x1FAFF}, {0x20000, 0x3FFFD},
};

// Assigned characters that Python prints as they are; what is in neither list is not guessed.
constexpr Range printable[] = {
    {0xA1, 0xAC},       {0xAE, 0x377},      {0x388, 0x38A},     {0x38E, 0x3A1},     {0x3A3, 0x52F},   {0x5D0, 0x5EA},
    {0x620, 0x6DC},     {0x6DE, 0x70D},     {0x900, 0x983},     {0x985, 0x98C},     {0xE01, 0xE3A},   {0xE3F, 0xE5B},
    {0x1E00, 0x1F15},   {0x2010, 0x2027},   {0x2030, 0x205E},   {0x2070, 0x2071},   {0x2074, 0x208E}, {0x20A0, 0x20BF},
    {0x2100, 0x218B},   {0x2190, 0x2426},   {0x2460, 0x2B73},   {0x2E80, 0x2E99},   {0x3001, 0x303F}, {0x3041, 0x3096},
    {0x3099, 0x30FF},   {0x3105, 0x312F},   {0x3131, 0x318E},   {0x3190, 0x31E3},   {0x3200, 0x321E}, {0x3220, 0xA48C},
    {0xAC00, 0xD7A3},   {0xF900, 0xFA6D},   {0xFE00, 0xFE19},   {0xFE20, 0xFE52},   {0xFF01, 0xFFBE}, {0xFFFC, 0xFFFD},
    {0x1F300, 0x1F6D7}, {0x1F7E0, 0x1F7EB}, {0x1F900, 0x1FA53}, {0x20000, 0x2A6DF},
};
constexpr Range unprintable[] = {
    {0x7F, 0xA0},     {0xAD, 0xAD},     {0x61C, 0x61C},     {0x6DD, 0x6DD},      {0x1680, 0x1680}, {0x180E, 0x180E},
    {0x2000, 0x200F}, {0x2028, 0x202F}, {0x205F, 0x206F},   {0x3000, 0x3000},    {0xD800, 0xF8FF}, {0xFEFF, 0xFEFF},
    {0xFFF9, 0xFFFB}, {0xFFFE, 0xFFFF}, {0xE0000, 0xE00FF}, {0xE01F0, 0x10FFFF},
};

[[noreturn]] void unknown(char32_t c) {
    refuse(fmt::format("the case or kind of the character U+{:04X} is not known here", static_cast<unsigned>(c)));
}

bool is_ascii_upper(char32_t c) {
    return c >= 'A' && c <= 'Z';
}
bool is_ascii_lower(char32_t c) {
    return c >= 'a' && c <= 'z';
}

// Upper and lower case of one letter where both are one character and each is the other's.
struct Pair {
    char32_t upper, lower;
};
bool find_pair(char32_t c, Pair& out) {
    auto const shifted = [&](char32_t first, char32_t last, char32_t by) {
        if (c >= first && c <= last) out = {c, c + by};
        if (c >= first + by && c <= last + by) out = {c - by, c};
        return (c >= first && c <= last) || (c >= first + by && c <= last + by);
    };
    if (c == 0xD7 || c == 0xF7) return false;
    if (shifted(0xC0, 0xDE, 0x20) || shifted(0x391, 0x3A1, 0x20) || shifted(0x3A4, 0x3A9, 0x20)) return true;
    if (shifted(0x386, 0x386, 0x26) || shifted(0x388, 0x38A, 0x25) || shifted(0x38C, 0x38C, 0x40)) return true;
    if (shifted(0x38E, 0x38F, 0x3F)) return true;
    if (shifted(0x410, 0x42F, 0x20) || shifted(0x400, 0x40F, 0x50)) return true;
    bool const even_upper = (c >= 0x100 && c <= 0x12F) || (c >= 0x132 && c <= 0x137) || (c >= 0x14A && c <= 0x177) ||
                            (c >= 0x1E00 && c <= 0x1E95) || (c >= 0x1EA0 && c <= 0x1EFF) || (c >= 0x460 && c <= 0x481);
    bool const odd_upper = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
    if (!even_upper && !odd_upper) return false;
    bool const is_upper = (c % 2 == 0) == even_upper;
    out = is_upper ? Pair{c, c + 1} : Pair{c - 1, c};
    return true;
}

template <class Map>
Text mapped(Text const& text, Map const& map) {
    spend_bytes(text.bytes.size());
    Text out;
    for (auto const& [code, at, size] : characters(text.bytes)) {
        char32_t const to = map(code);
        if (to == code) {
            out += text.substr(at, size);
            continue;
        }
        std::string bytes;
        if (to < 0x80) {
            bytes += static_cast<char>(to);
        } else if (to < 0x800) {
            bytes += static_cast<char>(0xC0 | (to >> 6));
            bytes += static_cast<char>(0x80 | (to & 0x3F));
        } else {
            bytes += static_cast<char>(0xE0 | (to >> 12));
            bytes += static_cast<char>(0x80 | ((to >> 6) & 0x3F));
            bytes += static_cast<char>(0x80 | (to & 0x3F));
        }
        out.authors += std::string(bytes.size(), text.authors[at]);
        out.bytes += bytes;
    }
    return out;
}

}  // namespace

bool is_space(char32_t c) {
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_printable(char32_t c) {
    if (c < 0x7F) return c >= 0x20;
    if (is_in(unprintable, c)) return false;
    if (is_in(printable, c)) return true;
    unknown(c);
}

char32_t to_upper(char32_t c) {
    if (c < 0x80) return is_ascii_lower(c) ? c - 0x20 : c;
    Pair pair{};
    if (c != 0xDF && find_pair(c, pair)) return pair.upper;
    if (is_in(caseless, c)) return c;
    unknown(c);
}

char32_t to_lower(char32_t c) {
    if (c < 0x80) return is_ascii_upper(c) ? c + 0x20 : c;
    Pair pair{};
    if (c != 0x130 && find_pair(c, pair)) return pair.lower;
    if (is_in(caseless, c) || c == 0xDF) return c;
    unknown(c);
}

bool is_cased(char32_t c) {
    if (c < 0x80) return is_ascii_upper(c) || is_ascii_lower(c);
    Pair pair{};
    if (find_pair(c, pair)) return true;
    if (is_in(caseless, c)) return false;
    unknown(c);
}

Text upper(Text const& text) {
    return mapped(text, to_upper);
}

Text lower(Text const& text) {
    return mapped(text, to_lower);
}

Text swap_case(Text const& text) {
    return mapped(text, [](char32_t c) { return to_upper(c) == c ? to_lower(c) : to_upper(c); });
}

Text capitalize(Text const& text) {
    bool first = true;
    return mapped(text, [&](char32_t c) { return std::exchange(first, false) ? to_upper(c) : to_lower(c); });
}

Text title(Text const& text) {
    bool inside = false;
    return mapped(text, [&](char32_t c) {
        bool const cased = is_cased(c);
        char32_t const out = inside ? to_lower(c) : to_upper(c);
        inside = cased;
        return out;
    });
}

}  // namespace gatesweep::jinja
