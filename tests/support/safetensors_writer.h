// Writes safetensors files for tests: good ones from tensors, and any others from raw parts.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep {

struct TestTensor {
    std::string name;
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::string data;  // raw little-endian bytes
};

inline TestTensor float_tensor(std::string name, std::vector<std::int64_t> shape, std::vector<float> const& values) {
    std::string data(values.size() * sizeof(float), '\0');
    std::memcpy(data.data(), values.data(), data.size());
    return {std::move(name), "F32", std::move(shape), std::move(data)};
}

// A tensor of zeros; bits per element as given.
inline TestTensor zero_tensor(std::string name, std::vector<std::int64_t> shape, std::string dtype = "BF16",
                              std::size_t bits = 16) {
    for (auto const dim : shape)
        bits *= static_cast<std::size_t>(dim);
    return {std::move(name), std::move(dtype), std::move(shape), std::string(bits / 8, '\0')};
}

inline std::string little_endian(std::uint64_t value) {
    std::string bytes;
    for (int i = 0; i < 8; ++i)
        bytes += static_cast<char>(value >> (8 * i) & 0xFF);
    return bytes;
}

// 8 bytes of length, the header as it is, the data as it is.
inline std::string safetensors_bytes(std::string_view header, std::string_view data) {
    return little_endian(header.size()).append(header).append(data);
}

// A name is quoted as it is, so it must need no escaping.
inline std::string safetensors_bytes(std::vector<TestTensor> const& tensors) {
    std::string header = R"({"__metadata__":{"format":"pt"})", data;
    for (auto const& tensor : tensors) {
        header +=
            fmt::format(R"(,"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", tensor.name, tensor.dtype,
                        fmt::join(tensor.shape, ","), data.size(), data.size() + tensor.data.size());
        data += tensor.data;
    }
    header += '}';
    header.resize((header.size() + 7) / 8 * 8, ' ');
    return safetensors_bytes(header, data);
}

inline void write_safetensors(std::filesystem::path const& path, std::vector<TestTensor> const& tensors) {
    std::string const bytes = safetensors_bytes(tensors);
    std::ofstream out(path, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

// The index that places each tensor (first) in a file (second).
inline std::string index_json(std::map<std::string, std::string> const& places) {
    std::string map;
    for (auto const& [tensor, file] : places) {
        map += fmt::format(R"({}"{}":"{}")", map.empty() ? "" : ",", tensor, file);
    }
    return fmt::format(R"({{"metadata":{{"total_size":0}},"weight_map":{{{}}}}})", map);
}

}  // namespace gatesweep
