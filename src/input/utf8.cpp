#include "utf8.h"

#include <cstdint>
#include <cstring>

namespace gatesweep {
namespace {

// Length of the well-formed sequence at the start of `text`, 0 when there is none (table 3-7 of the Unicode standard).
std::size_t sequence_length(std::string_view text) {
    auto const byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    auto const within = [](unsigned value, unsigned low, unsigned high) { return value >= low && value <= high; };
    unsigned const first = byte(0);
    if (first < 0x80) return 1;
    std::size_t const length = within(first, 0xC2, 0xDF)   ? 2
                               : within(first, 0xE0, 0xEF) ? 3
                               : within(first, 0xF0, 0xF4) ? 4
                                                           : 0;
    if (length == 0) return 0;
    unsigned const low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned const high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (!within(byte(1), low, high)) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if (!within(byte(i), 0x80, 0xBF)) return 0;
    }
    return length;
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        std::uint64_t word = 0;
        if (i + sizeof word <= text.size()) {
            std::memcpy(&word, text.data() + i, sizeof word);
            if ((word & 0x8080808080808080u) == 0) {  // eight ASCII characters
                i += sizeof word;
                continue;
            }
        }
        std::size_t const length = sequence_length(text.substr(i, 4));
        if (length == 0) return i;
        i += length;
    }
    return std::string_view::npos;
}

}  // namespace gatesweep
