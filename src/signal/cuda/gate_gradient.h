// The gate gradient of a GPU's tensors by a kernel: defined in builds with CUDA alone.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace gatesweep::cuda {

// Of the tokens of a batch, on one device, contiguous.
struct GateGradientInput {
    at::Tensor expert_ids;       // [T,K] int64
    at::Tensor d_router_logits;  // [T,K] float32
    at::Tensor router_input;     // [T,D] float32 or bfloat16
    std::int64_t num_experts = 0;
};

// Prompts are [offsets[p], offsets[p+1]), of int64 [P+1] on the device: [P,E,D] float64, the bits that the CPU's sums
// have.
at::Tensor gate_gradient(GateGradientInput const& in, at::Tensor const& offsets);

}  // namespace gatesweep::cuda
