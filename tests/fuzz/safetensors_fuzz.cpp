// Input: 4 bytes, the size of the data buffer; then the JSON header.
#include <cstdint>
#include <cstring>
#include <span>

#include "fuzz_target.h"
#include "gatesweep/input/safetensors.h"

void gatesweep::fuzz::fuzz_one(std::string_view input) {
    std::uint32_t data_bytes = 0;
    if (input.size() < sizeof data_bytes) return;
    std::memcpy(&data_bytes, input.data(), sizeof data_bytes);
    auto const header = input.substr(sizeof data_bytes);
    auto const tensors =
        parse_safetensors_header(std::as_bytes(std::span(header)), 8 + header.size() + data_bytes, "x.safetensors");
    std::uint64_t sum = 0;
    for (auto const& [name, entry] : tensors) {
        std::uint64_t bits = static_cast<std::uint64_t>(entry.type.bits);
        for (auto const size : entry.shape)
            bits *= static_cast<std::uint64_t>(size);
        require(entry.begin <= entry.end && entry.end <= data_bytes, "a tensor lies in the data");
        require(bits == 8 * entry.num_bytes(), "shape and type give the bytes");
        sum += entry.num_bytes();
    }
    require(sum == data_bytes, "the tensors tile the data");
}
