// Characters as Hugging Face's `tokenizers` sees them: the general categories of its regular expressions, white space,
// and what its Digits takes for a digit. Its tables are of its own Unicode versions, so they are measured, not ICU's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatesweep::bpe {

// In the order of unicode_tables.h.
enum class Category : std::uint8_t {
    Lu,
    Ll,
    Lt,
    Lm,
    Lo,
    Mn,
    Mc,
    Me,
    Nd,
    Nl,
    No,
    Pc,
    Pd,
    Ps,
    Pe,
    Pi,
    Pf,
    Po,
    Sm,
    Sc,
    Sk,
    So,
    Zs,
    Zl,
    Zp,
    Cc,
    Cf,
    Co,
    Cn,
    surrogate
};

// A set of categories, one bit each.
using Categories = std::uint32_t;
constexpr Categories bit(Category category) {
    return Categories{1} << static_cast<int>(category);
}
// "L", "Lu", "N", ...; nothing for another name.
std::optional<Categories> categories_named(std::string_view name);

Category category_of(char32_t c);
bool is_space(char32_t c);
bool is_digit(char32_t c);
bool is_word_character(char32_t c);  // of a \w in Rust

// The character at text[at] of well-formed UTF-8, and its bytes.
struct Character {
    char32_t code;
    std::size_t size;
};
inline Character character_at(std::string_view text, std::size_t at) {
    auto const byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[at + i])); };
    char32_t const lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
    if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
    return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}
inline bool begins_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}

// Bytes that are no UTF-8 become U+FFFD: one for every longest beginning of a character, as Python and Rust do it.
std::string with_replacements(std::string_view bytes);

}  // namespace gatesweep::bpe
