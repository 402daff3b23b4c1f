// Prompts laid end to end: no padding, so counts need no mask and per-prompt sums are segments.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <vector>

namespace gatesweep {

struct PackedBatch {
    at::Tensor ids;        // [T] int64, on the CPU
    at::Tensor positions;  // [T] int64: 0, 1, 2, ... within each prompt; on the CPU, or where placed() says
    std::vector<std::int64_t> offsets;  // [prompts + 1]
    at::Tensor offsets_on_device;       // [prompts + 1] int32: the same, of a batch placed on a GPU

    std::int64_t num_tokens() const { return ids.numel(); }
    std::int64_t num_prompts() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
};

// An empty list gives an empty batch: ranks of a group without prompts still take part in every pass.
PackedBatch pack(std::span<std::vector<std::int32_t> const> prompts);

// With what the layers of a pass read of it on the model's device.
PackedBatch placed(PackedBatch batch, at::Device device);

}  // namespace gatesweep
