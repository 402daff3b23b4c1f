// Biases of rows that stand grouped by expert.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

namespace gatesweep {

// rows [R,n]: adds to rows [offsets[x], offsets[x+1]) the row x of `bias` [e,n]; nothing where it is undefined.
void add_grouped_bias(at::Tensor const& rows, std::vector<std::int64_t> const& offsets, at::Tensor const& bias);
// The same for offsets that stay where the rows are, int64 [e+1]. Rows past the last offset become anything.
void add_grouped_bias(at::Tensor const& rows, at::Tensor const& offsets, at::Tensor const& bias);

}  // namespace gatesweep
