#include "linked_libraries.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <spdlog/version.h>
#include <toml++/toml.h>
#include <xxhash.h>
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/version.hpp>
#include <nlohmann/json.hpp>

#include "gatesweep/base/build_config.h"

namespace gatesweep {
namespace {

std::string of_parts(int major, int minor, int patch) {
    return fmt::format("{}.{}.{}", major, minor, patch);
}

}  // namespace

std::string linked_libraries() {
    std::string boost = BOOST_LIB_VERSION;
    std::replace(boost.begin(), boost.end(), '_', '.');
    unsigned const xxhash = XXH_versionNumber();
    return fmt::format(
        "Boost {}, CLI11 {}, fmt {}, nlohmann-json {}, OpenSSL {}, sentencepiece {}, spdlog {}, toml++ {}, xxHash {}, "
        "zlib {}",
        boost, CLI11_VERSION, of_parts(FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100),
        of_parts(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH),
        OpenSSL_version(OPENSSL_VERSION_STRING), GATESWEEP_SENTENCEPIECE_VERSION,
        of_parts(SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH),
        of_parts(TOML_LIB_MAJOR, TOML_LIB_MINOR, TOML_LIB_PATCH),
        of_parts(static_cast<int>(xxhash / 10000), static_cast<int>(xxhash / 100 % 100),
                 static_cast<int>(xxhash % 100)),
        zlibVersion());
}

}  // namespace gatesweep
