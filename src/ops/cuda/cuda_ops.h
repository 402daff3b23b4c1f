// The operations that have CUDA kernels of their own: float32 and bfloat16 tensors of one GPU. Defined in builds with
// CUDA alone; device_ops.h decides when they are taken.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "gatesweep/ops/attention.h"
#include "gatesweep/ops/cached_attention.h"
#include "gatesweep/ops/gathered_plan.h"
#include "gatesweep/ops/gpu_kernels.h"
#include "gatesweep/ops/router.h"
#include "gatesweep/ops/row_ops.h"

namespace gatesweep::cuda {

// Whether the kernels hold so many experts, or so wide a head, in registers or shared memory.
bool can_route(std::int64_t num_experts);
bool can_plan(std::int64_t num_local_experts);
bool can_attend(std::int64_t head_dim);

// route_on_device(). `edits` without entries edits nothing.
Routing route(at::Tensor const& logits, std::int64_t top_k, RowEditTensors const& edits, at::Tensor const& all_finite);
at::Tensor combine(at::Tensor const& slot_outputs, at::Tensor const& routing_weights);
CombineGradient combine_backward(at::Tensor const& dy, at::Tensor const& slot_outputs,
                                 at::Tensor const& routing_weights);

GatheredPlan plan_gathered(GatheredIds const& ids);

// cached_attention(), with slots and positions as tensors of the device.
at::Tensor cached_attention(CachedAttentionInput const& in);

// row_ops.h, with positions on the device.
at::Tensor rms_norm(at::Tensor const& x, at::Tensor const& weight, double eps);
at::Tensor rms_norm_backward(at::Tensor const& dy, at::Tensor const& x, at::Tensor const& weight, double eps);
at::Tensor swiglu(at::Tensor const& gate_up);
at::Tensor swiglu_backward(at::Tensor const& d_activation, at::Tensor const& gate_up);
void rotate_heads(at::Tensor const& x, at::Tensor const& positions, RotaryTable const& table, Rotation rotation);
at::Tensor row_sums(at::Tensor const& x);

}  // namespace gatesweep::cuda
