// Input: 4 bytes, how many bytes of data follow the header; then the header.
#include <cstdint>
#include <cstring>

#include "fuzz_target.h"
#include "gatesweep/store/npy.h"

void gatesweep::fuzz::fuzz_one(std::string_view input) {
    std::uint32_t data_bytes = 0;
    if (input.size() < sizeof data_bytes) return;
    std::memcpy(&data_bytes, input.data(), sizeof data_bytes);
    auto const start = input.substr(sizeof data_bytes);
    NpyHeader const header = parse_npy_header(start, start.size() + data_bytes, "x.npy");
    require(header.data_offset + header.data_bytes == start.size() + data_bytes, "header and data fill the file");
}
