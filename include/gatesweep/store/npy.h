// Arrays as NumPy .npy files, format 1.0, little-endian, row-major. Only int64 ("<i8") and float64 ("<f8").
//
// The reader is strict, because a stored array that is not exactly what the header says was cut, swapped or edited:
// every such file is ExitCode::bad_data with the file's name and what differs; a missing one is input_missing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/base/nd_array.h"

namespace gatesweep {

struct NpyHeader {
    std::string descr;                // "<i8" or "<f8"
    std::vector<std::int64_t> shape;  // rank 0 to 32
    std::uint64_t data_offset = 0;    // bytes before the first element
    std::uint64_t data_bytes = 0;     // product of shape x 8
};

// Longest header that the format allows: magic, version, a 16-bit length and what it counts.
constexpr std::uint64_t max_npy_header_bytes = 10 + 65535;

// Parses the header of a file whose first bytes (at least the header, or the whole file) are `start`; `file_bytes` must
// be exactly header plus data. `name` is for messages.
NpyHeader parse_npy_header(std::string_view start, std::uint64_t file_bytes, std::string_view name);

// T is std::int64_t or double.
template <class T>
std::string to_npy(NdArray<T> const& array);
template <class T>
NdArray<T> read_npy(std::filesystem::path const& path);

}  // namespace gatesweep
