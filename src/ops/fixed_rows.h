// Products of token rows whose bits depend on the row alone, by a library that picks how it sums from the shape: it is
// asked for one shape only, `tile` rows at a time, the last filled up with zeros. GPUs' way to batch invariance, an
// option there (batch_invariance.h); the CPU's kernels have it by themselves.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace gatesweep::fixed_rows {

// Enough that a product reads its weights from memory no more often than it can use them.
inline constexpr std::int64_t tile = 512;

// rows [n,in] x matrix [in,out] into `to` [n,out].
void multiply(at::Tensor const& rows, at::Tensor const& matrix, at::Tensor to);

}  // namespace gatesweep::fixed_rows
