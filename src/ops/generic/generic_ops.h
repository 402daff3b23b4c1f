// The same operations as row_ops.h, attention.h, router.h, next_token_loss.h and output_head.h, composed of ATen calls:
// what runs on devices other than the CPU, and the slow obvious reference that the CPU kernels are tested against.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "gatesweep/ops/attention.h"
#include "gatesweep/ops/cached_attention.h"
#include "gatesweep/ops/gate_rule.h"
#include "gatesweep/ops/row_ops.h"
#include "router_tensors.h"

namespace gatesweep::generic {

at::Tensor rms_norm(at::Tensor const& x, at::Tensor const& weight, double eps);
at::Tensor rms_norm_backward(at::Tensor const& dy, at::Tensor const& x, at::Tensor const& weight, double eps);
at::Tensor row_lengths(at::Tensor const& x);
at::Tensor layer_norm(at::Tensor const& x, at::Tensor const& weight, at::Tensor const& bias, double eps);
at::Tensor layer_norm_backward(at::Tensor const& dy, at::Tensor const& x, at::Tensor const& weight, double eps);
at::Tensor swiglu(at::Tensor const& gate_up);
at::Tensor swiglu_backward(at::Tensor const& d_activation, at::Tensor const& gate_up);
at::Tensor clamped_gate(at::Tensor const& gate_up, GateRule const& rule);
at::Tensor clamped_gate_backward(at::Tensor const& d_activation, at::Tensor const& gate_up, GateRule const& rule);
void rotate_heads(at::Tensor x, at::Tensor const& positions, RotaryTable const& table, Rotation rotation);
at::Tensor attention(AttentionInput const& in);
AttentionGradient attention_backward(AttentionInput const& in, at::Tensor const& d_output);
at::Tensor cached_attention(CachedAttentionInput const& in);
// Of logits [n,V], per row: the largest, the first of equals (int64), and log-softmax in float64.
at::Tensor greedy_tokens(at::Tensor const& logits);
at::Tensor log_probabilities(at::Tensor const& logits);
// Per row, [n,2] float64: -log p of its target [n] int64, and KL(reference || p) to the reference's log-probabilities
// [n,V] float32; p is rounded as they are, so that equal logits give exactly 0.
at::Tensor text_scores(at::Tensor const& logits, at::Tensor const& reference_log_p, at::Tensor const& targets);
// Per row: loss (float64) and, in place of the logits, d loss / d logits scaled by `scale` of the row.
at::Tensor cross_entropy_in_place(at::Tensor logits, at::Tensor const& targets, at::Tensor const& scale);

}  // namespace gatesweep::generic
