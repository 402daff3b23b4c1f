#include "byte_alphabet.h"

#include <charconv>

#include <fmt/format.h>

#include "unicode.h"

namespace gatesweep::bpe {
namespace {

constexpr std::size_t num_bytes = 256;
constexpr char32_t first_substitute = 0x100;
constexpr std::uint8_t unused = 0;

struct Alphabet {
    std::array<char32_t, num_bytes> characters{};
    std::array<std::uint8_t, num_bytes> own{};          // 1: the byte is its own character
    std::array<std::uint8_t, num_bytes> substitutes{};  // by character - first_substitute
    char32_t num_substitutes = 0;

    Alphabet() {
        for (char32_t byte = 0; byte < num_bytes; ++byte) {
            bool const is_printable =
                (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
            own[byte] = is_printable ? 1 : unused;
            characters[byte] = is_printable ? byte : first_substitute + num_substitutes;
            if (!is_printable) substitutes[num_substitutes++] = static_cast<std::uint8_t>(byte);
        }
    }
};

Alphabet const& alphabet() {
    static Alphabet const table;
    return table;
}

}  // namespace

char32_t disguise_of(std::uint8_t byte) {
    return alphabet().characters[byte];
}

std::optional<std::uint8_t> byte_behind(char32_t character) {
    Alphabet const& table = alphabet();
    if (character < num_bytes) {
        if (table.own[character] == unused) return std::nullopt;
        return static_cast<std::uint8_t>(character);
    }
    if (character - first_substitute >= table.num_substitutes) return std::nullopt;
    return table.substitutes[character - first_substitute];
}

std::optional<std::string> bytes_behind(std::string_view text) {
    std::string bytes;
    for (std::size_t at = 0; at < text.size();) {
        Character const c = character_at(text, at);
        auto const byte = byte_behind(c.code);
        if (!byte) return std::nullopt;
        bytes += static_cast<char>(*byte);
        at += c.size;
    }
    return bytes;
}

std::string byte_name(std::uint8_t byte) {
    return fmt::format("<0x{:02X}>", byte);
}

std::optional<std::uint8_t> byte_named(std::string_view name) {
    if (name.size() != 6 || !name.starts_with("<0x") || name.back() != '>') return std::nullopt;
    std::uint8_t byte = 0;
    auto const digits = name.substr(3, 2);
    auto const result = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (result.ec != std::errc() || result.ptr != digits.data() + digits.size()) return std::nullopt;
    return byte;
}

}  // namespace gatesweep::bpe
