// From gate gradients to scores where the gradients are, on any device: what comes to the host is a number per prompt
// and expert.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>

#include "gatesweep/model/packed_batch.h"
#include "gatesweep/signal/gate_gradients.h"
#include "signal/cuda/gate_gradient.h"

namespace gatesweep {

// d_router_logits of a token sum to zero before they are rounded to float32; this much of their magnitude may be left.
inline constexpr double rounding_allowance = 1e-5;

// [P,E,D] float64 of the prompts between offsets, int64 [P+1] on the device.
using GradientOfPrompts = std::function<at::Tensor(at::Tensor const& offsets)>;

// gate_gradient_scores(), with the gradient of at most `prompts_at_once` in memory.
GateGradientScores scores_on_device(PackedBatch const& batch, cuda::GateGradientInput const& in,
                                    std::int64_t prompts_at_once, GradientOfPrompts const& gradient_of);

}  // namespace gatesweep
