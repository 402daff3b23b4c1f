#include "gatesweep/base/digest.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <array>
#include <memory>
#include <vector>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"

namespace gatesweep {
namespace {

class Sha256 {
public:
    Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
        GATESWEEP_VALIDATE(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1,
                           ExitCode::internal,
                           "SHA-256 is not available in this OpenSSL (provenance needs it): use another OpenSSL");
    }
    void add(void const* data, std::size_t size) { EVP_DigestUpdate(context_.get(), data, size); }
    std::string hex() {
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
        unsigned int size = 0;
        EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
        std::string out;
        for (unsigned int i = 0; i < size; ++i)
            out += fmt::format("{:02x}", digest[i]);
        return out;
    }

private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256_hex(std::string_view bytes) {
    Sha256 digest;
    digest.add(bytes.data(), bytes.size());
    return digest.hex();
}

std::string sha256_hex_of_file(std::filesystem::path const& path) {
    InputFile const file(path);
    std::vector<std::byte> block(1 << 20);
    Sha256 digest;
    for (std::uint64_t at = 0; at < file.size();) {
        std::size_t const count = std::min<std::uint64_t>(block.size(), file.size() - at);
        file.read_at(at, std::span(block).first(count));
        digest.add(block.data(), count);
        at += count;
    }
    return digest.hex();
}

FastDigest::FastDigest() : state_(XXH3_createState()) {
    XXH3_128bits_reset(static_cast<XXH3_state_t*>(state_));
}
FastDigest::~FastDigest() {
    XXH3_freeState(static_cast<XXH3_state_t*>(state_));
}

FastDigest& FastDigest::add(std::span<std::byte const> bytes) {
    XXH3_128bits_update(static_cast<XXH3_state_t*>(state_), bytes.data(), bytes.size());
    return *this;
}

FastDigest& FastDigest::add(std::string_view text) {
    std::uint64_t const size = text.size();
    add(std::as_bytes(std::span(&size, 1)));
    return add(std::as_bytes(std::span(text.data(), text.size())));
}

std::string FastDigest::hex() const {
    XXH128_hash_t const h = XXH3_128bits_digest(static_cast<XXH3_state_t const*>(state_));
    return fmt::format("{:016x}{:016x}", h.high64, h.low64);
}

}  // namespace gatesweep
