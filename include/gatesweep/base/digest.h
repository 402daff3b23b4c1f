// Digests for provenance (SHA-256) and for fast identity checks (XXH3-128).
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace gatesweep {

std::string sha256_hex(std::string_view bytes);
std::string sha256_hex_of_file(std::filesystem::path const& path);

// Incremental 128-bit XXH3, as 32 hexadecimal digits. Not a cryptographic digest.
class FastDigest {
public:
    FastDigest();
    ~FastDigest();
    FastDigest(FastDigest const&) = delete;
    FastDigest& operator=(FastDigest const&) = delete;
    FastDigest& add(std::span<std::byte const> bytes);
    FastDigest& add(std::string_view text);  // length-prefixed, so that fields cannot run into each other
    std::string hex() const;

private:
    void* state_;
};

}  // namespace gatesweep
