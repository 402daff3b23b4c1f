// The disguise of byte-level vocabularies: each byte is a printable character (GPT-2's table).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatesweep::bpe {

char32_t disguise_of(std::uint8_t byte);
std::optional<std::uint8_t> byte_behind(char32_t character);
// The bytes behind a text in disguise; nothing where a character is none of the alphabet's.
std::optional<std::string> bytes_behind(std::string_view text);

// "<0x0A>": the name of a byte in vocabularies with byte fallback.
std::string byte_name(std::uint8_t byte);
std::optional<std::uint8_t> byte_named(std::string_view name);

}  // namespace gatesweep::bpe
