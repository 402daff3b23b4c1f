// Operations on tensors that the CPU's loops do not take: by CUDA kernels, ours or libtorch's flash attention, where
// this build has them and they take the tensor, else composed of plain ATen calls (generic_ops.h).
// Setting::gpu_kernels leaves the kernels out, to compare.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "gatesweep/ops/attention.h"
#include "gatesweep/ops/cached_attention.h"
#include "gatesweep/ops/gpu_kernels.h"
#include "gatesweep/ops/router.h"
#include "gatesweep/ops/row_ops.h"

namespace gatesweep::device {

at::Tensor attention(AttentionInput const& in);
AttentionGradient attention_backward(AttentionInput const& in, at::Tensor const& d_output);
at::Tensor cached_attention(CachedAttentionInput const& in);

Routing route(at::Tensor const& router_logits, RouteRule const& rule, RowEdits const& edits);
Routing route_on_device(at::Tensor const& router_logits, RouteRule const& rule, RowEdits const& edits,
                        at::Tensor const& all_finite);
at::Tensor combine(at::Tensor const& slot_outputs, Routing const& routing);
CombineGradient combine_backward(at::Tensor const& dy, at::Tensor const& slot_outputs, Routing const& routing);

at::Tensor rms_norm(at::Tensor const& x, at::Tensor const& weight, double eps);
at::Tensor rms_norm_backward(at::Tensor const& dy, at::Tensor const& x, at::Tensor const& weight, double eps);
at::Tensor swiglu(at::Tensor const& gate_up);
at::Tensor swiglu_backward(at::Tensor const& d_activation, at::Tensor const& gate_up);
void rotate_heads(at::Tensor x, at::Tensor const& positions, RotaryTable const& table, Rotation rotation);
at::Tensor row_sums(at::Tensor const& x);

}  // namespace gatesweep::device
