// The bytes of a record log, shared by its writer and its reader.
#pragma once

#include <xxhash.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace gatesweep::record_frame {

static_assert(std::endian::native == std::endian::little, "the structs below are written as they lie in memory");

constexpr std::string_view file_magic = "GSRECLOG";
constexpr std::uint32_t format_version = 1;
constexpr std::uint64_t frame_magic = 0xD1A7'5EED'F4A3'C0DEu;
constexpr std::uint64_t max_header_bytes = 1 << 20;

// First bytes of the file. `size` counts all of the header: this, the identity's strings (each a u64 length and its
// bytes) and their checksum, seeded with `checksum`.
struct Preamble {
    char magic[8];
    std::uint32_t version;
    std::uint32_t size;
    std::uint64_t checksum;  // of the fields above
};
static_assert(sizeof(Preamble) == 24);

struct Head {
    std::uint64_t magic;
    std::uint64_t record;  // numbers within the file, from 0
    std::uint64_t commit;
    std::uint32_t kind_bytes;
    std::uint32_t key_bytes;
    std::uint64_t payload_bytes;
    std::uint64_t ends_commit;  // 0 or 1
    std::uint64_t checksum;     // of the fields above
};
static_assert(sizeof(Head) == 56);

// A frame is a Head, the kind, the key, the payload and the checksum of all of these.
constexpr std::uint64_t checksum_bytes = 8;

inline std::uint64_t checksum(void const* data, std::size_t size, std::uint64_t seed) {
    return XXH3_64bits_withSeed(data, size, seed);
}
inline std::uint64_t checksum_of(Preamble const& preamble) {
    return checksum(&preamble, offsetof(Preamble, checksum), format_version);
}
// `seed` is the frame's: the header's checksum plus the frame's offset.
inline std::uint64_t checksum_of(Head const& head, std::uint64_t seed) {
    return checksum(&head, offsetof(Head, checksum), seed);
}

inline std::string_view bytes_of(auto const& value) {
    return {reinterpret_cast<char const*>(&value), sizeof value};
}

}  // namespace gatesweep::record_frame
