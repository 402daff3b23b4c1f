#include "fuzz_target.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "gatesweep/base/error.h"

namespace gatesweep::fuzz {

void require(bool condition, char const* what) {
    if (condition) return;
    std::fprintf(stderr, "not so: %s\n", what);
    std::abort();
}

MemoryFile::MemoryFile() : descriptor_(::memfd_create("input", 0)) {
    require(descriptor_ >= 0, "memfd_create works");
    path_ = fmt::format("/proc/self/fd/{}", descriptor_);
}

std::filesystem::path const& MemoryFile::holding(std::string_view bytes) {
    bool const written = ::ftruncate(descriptor_, 0) == 0 &&
                         ::pwrite(descriptor_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
    require(written, "the input fits into memory");
    return path_;
}

}  // namespace gatesweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace gatesweep;
    try {
        fuzz::fuzz_one({reinterpret_cast<char const*>(data), size});
    } catch (Error const& error) {
        fuzz::require(error.code() != ExitCode::internal, error.what());
        fuzz::require(error.what()[0] != '\0', "an error says something");
    }
    return 0;
}
