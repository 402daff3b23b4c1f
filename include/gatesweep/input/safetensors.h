// Strict reader of one safetensors file: nothing of the header is believed before it is checked.
//
// Format: 8 bytes little-endian header length N, N bytes of JSON, then the data buffer. Accepted only when tensors
// tile the buffer exactly: no hole, no overlap, no trailing byte, shape x dtype = bytes, no duplicate name. Stricter
// than the reference reader: duplicate or unknown fields, dimensions over 2^63 - 1, ranks over 64 and headers of more
// than 2^18 entries are refused too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/base/file.h"

namespace gatesweep {

// Storage types by their safetensors names; bits per element.
struct StorageType {
    std::string name;  // "BF16", "F16", "F32", ...
    int bits = 0;
};

struct TensorEntry {
    StorageType type;
    std::vector<std::int64_t> shape;
    std::uint64_t begin = 0;  // bytes from the start of the data buffer
    std::uint64_t end = 0;

    std::uint64_t num_bytes() const { return end - begin; }
};

// The checked header; `header` is the JSON alone, without the 8 bytes of its length. `file_size` is the size of the
// whole file; `name` is used in messages only. Errors: ExitCode::bad_data with file, tensor and offsets.
std::map<std::string, TensorEntry> parse_safetensors_header(std::span<std::byte const> header, std::uint64_t file_size,
                                                            std::string const& name);

class SafetensorsFile {
public:
    explicit SafetensorsFile(std::filesystem::path path);

    std::filesystem::path const& path() const { return file_.path(); }
    std::uint64_t file_size() const { return file_.size(); }
    std::map<std::string, TensorEntry> const& tensors() const { return tensors_; }
    // Copies bytes [first, first + out.size()) of the tensor's data. A range outside of it is a mistake of the
    // caller's.
    void read(std::string const& tensor, std::uint64_t first, std::span<std::byte> out) const;

private:
    InputFile file_;
    std::uint64_t data_begin_ = 0;
    std::map<std::string, TensorEntry> tensors_;
};

}  // namespace gatesweep
