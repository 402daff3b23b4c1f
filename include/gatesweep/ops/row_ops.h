// Row-wise operations of a decoder layer, forward and backward, as Hugging Face transformers computes them.
//
// Storage types float32, bfloat16, float64; arithmetic in float32 (float64 for float64), rounded to storage where the
// reference rounds. On the CPU a row's bits depend on that row alone. Letters: T tokens, D model, F ffn, R routed rows.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "gatesweep/ops/rotary.h"

namespace gatesweep {

// x * rsqrt(mean(x^2) + eps), rounded, times weight: [T,D], [D] -> [T,D].
at::Tensor rms_norm(at::Tensor const& x, at::Tensor const& weight, double eps);
// Gradient to x: [T,D]. Weights are frozen.
at::Tensor rms_norm_backward(at::Tensor const& dy, at::Tensor const& x, at::Tensor const& weight, double eps);

// (x - mean) / sqrt(variance + eps) * weight + bias, rounded once: [T,D], [D], [D] -> [T,D]; and its gradient to x.
at::Tensor layer_norm(at::Tensor const& x, at::Tensor const& weight, at::Tensor const& bias, double eps);
at::Tensor layer_norm_backward(at::Tensor const& dy, at::Tensor const& x, at::Tensor const& weight, double eps);

// silu(g) * u of gate_up = [g | u]: [R,2F] -> [R,F].
at::Tensor swiglu(at::Tensor const& gate_up);
at::Tensor swiglu_backward(at::Tensor const& d_activation, at::Tensor const& gate_up);  // [R,F], [R,2F] -> [R,2F]

enum class Rotation { forward, inverse };  // inverse is also the gradient of forward
// Rotates heads in place, first half against second half: x [T, heads, d] (last dimension dense), rows [T] int64 of the
// table: positions, or what rotary_rows makes of them.
void rotate_heads(at::Tensor x, at::Tensor const& rows, RotaryTable const& table, Rotation rotation);

// Euclidean length of each row: [n,C] -> [n] float64, where x is; a row's bits depend on that row alone.
at::Tensor row_lengths(at::Tensor const& x);
// Sum of each row: [n,C] float64 -> [n], in an order that depends on C alone.
at::Tensor row_sums(at::Tensor const& x);

}  // namespace gatesweep
