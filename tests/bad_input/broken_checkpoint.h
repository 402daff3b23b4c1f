// Ways to damage a checkpoint of the workshop.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "bad_case.h"
#include "support/safetensors_writer.h"

namespace gatesweep {

// One safetensors file, taken apart. save() writes header and data as they are, right or wrong.
struct Shard {
    std::filesystem::path path;
    nlohmann::ordered_json header;
    std::string data;

    Shard(Workshop const& workshop, std::string_view name) : path(workshop / "model" / name) {
        std::ifstream file(path, std::ios::binary);
        std::string const bytes{std::istreambuf_iterator<char>(file), {}};
        std::uint64_t length = 0;
        std::memcpy(&length, bytes.data(), sizeof length);
        header = nlohmann::ordered_json::parse(bytes.substr(8, length));
        data = bytes.substr(8 + length);
    }
    // Where a tensor's bytes begin in `data`.
    std::size_t begin(std::string const& tensor) const { return header.at(tensor).at("data_offsets").at(0); }
    void save() const { save(header.dump()); }
    void save(std::string const& header_text) const {
        std::ofstream out(path, std::ios::binary);
        out << safetensors_bytes(header_text, data);
        if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
    }
};

// The tensor's element `index`, of two bytes (bfloat16), becomes `bits`.
inline void set_bf16(Shard& shard, std::string const& tensor, std::size_t index, std::uint16_t bits) {
    std::memcpy(shard.data.data() + shard.begin(tensor) + 2 * index, &bits, sizeof bits);
}
constexpr std::uint16_t bf16_nan = 0x7FC0, bf16_infinity = 0x7F80;

// All tensors but the first are said to lie `by` bytes later.
inline void shift_offsets(Shard& shard, std::int64_t by) {
    for (auto& [name, entry] : shard.header.items()) {
        if (name == "__metadata__" || entry.at("data_offsets").at(0) == 0) continue;
        for (auto& offset : entry.at("data_offsets"))
            offset = offset.get<std::int64_t>() + by;
    }
}

// `tensor` is no longer named by the index.
inline void forget_in_index(Workshop const& workshop, std::string const& tensor) {
    std::ifstream file(workshop / "model" / "model.safetensors.index.json");
    auto index = nlohmann::json::parse(file);
    if (index["weight_map"].erase(tensor) != 1) throw std::runtime_error("the index does not name " + tensor);
    workshop.write("model/model.safetensors.index.json", index.dump());
}

}  // namespace gatesweep
