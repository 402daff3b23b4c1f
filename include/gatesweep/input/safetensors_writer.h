// Writes one safetensors file, laid out as the reference library does: tensors by name, the header filled up to a
// multiple of 8 bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gatesweep/input/safetensors.h"

namespace gatesweep {

struct OutgoingTensor {
    StorageType type;
    std::vector<std::int64_t> shape;
    std::function<std::string()> bytes;  // asked for once, when it is its turn: memory holds one tensor
};

// Readers see the old file or the whole new one. Equal contents give equal bytes. Errors: cannot_create, io.
void write_safetensors_file(std::filesystem::path const& path, std::map<std::string, OutgoingTensor> const& tensors);

}  // namespace gatesweep
