#include "unicode.h"

#include <algorithm>
#include <array>
#include <memory>

#include "gatesweep/base/utf8.h"
#include "unicode_tables.h"

namespace gatesweep::bpe {
namespace {

constexpr std::size_t num_points = 0x110000;
constexpr std::size_t ascii_limit = 0x80;

// A byte for every code point: a megabyte that is filled once, of which a text's own scripts stay in the cache.
struct CategoryTable {
    CategoryTable() : bytes(new std::uint8_t[num_points]) {
        std::uint8_t* at = bytes.get();
        for (std::uint32_t const run : category_runs) {  // length x 32 + category
            std::fill_n(at, run / 32, static_cast<std::uint8_t>(run % 32));
            at += run / 32;
        }
    }
    std::unique_ptr<std::uint8_t[]> bytes;
};

CategoryTable const& table() {
    static CategoryTable const categories;
    return categories;
}

constexpr std::array<std::string_view, 29> names = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl",
                                                    "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc",
                                                    "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cn"};

// How many bytes at `at` begin a character that the text may hold, and whether they are all of it.
struct Beginning {
    std::size_t size;
    bool is_whole;
};
Beginning beginning_at(std::string_view text, std::size_t at) {
    auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    unsigned const lead = byte(0);
    std::size_t const needed = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    if (needed == 0) return {1, false};
    for (std::size_t i = 1; i < needed; ++i) {
        if (at + i >= text.size()) return {i, false};
        unsigned low = 0x80, high = 0xBF;
        if (i == 1) {
            if (lead == 0xE0) low = 0xA0;
            if (lead == 0xED) high = 0x9F;
            if (lead == 0xF0) low = 0x90;
            if (lead == 0xF4) high = 0x8F;
        }
        if (byte(i) < low || byte(i) > high) return {i, false};
    }
    return {needed, true};
}

}  // namespace

std::optional<Categories> categories_named(std::string_view name) {
    Categories found = 0;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == name || (name.size() == 1 && names[i].front() == name.front())) found |= Categories{1} << i;
    }
    // "C" would take surrogates in, which no text holds.
    if (found == 0) return std::nullopt;
    return found;
}

Category category_of(char32_t c) {
    return static_cast<Category>(table().bytes[c]);
}

bool is_space(char32_t c) {
    if (c < ascii_limit) return c == ' ' || (c >= '\t' && c <= '\r');
    return c <= UINT16_MAX && std::binary_search(space_points.begin(), space_points.end(), c);
}

bool is_digit(char32_t c) {
    if (c < ascii_limit) return c >= '0' && c <= '9';
    bool const by_category = (*categories_named("N") >> static_cast<int>(category_of(c)) & 1) != 0;
    return by_category != std::binary_search(digit_exceptions.begin(), digit_exceptions.end(), c);
}

bool is_word_character(char32_t c) {
    static Categories const letters =
        *categories_named("L") | *categories_named("M") | bit(Category::Nd) | bit(Category::Nl) | bit(Category::Pc);
    if ((letters >> static_cast<int>(category_of(c)) & 1) != 0) return true;
    // The two joiners, and letters in circles and boxes.
    return (c >= 0x200C && c <= 0x200D) || (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
           (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}

std::string with_replacements(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    for (std::size_t at = 0; at < bytes.size();) {
        Beginning const next = beginning_at(bytes, at);
        out += next.is_whole ? bytes.substr(at, next.size) : replacement_utf8;
        at += next.size;
    }
    return out;
}

}  // namespace gatesweep::bpe
