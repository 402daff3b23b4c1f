// The weight of an expert that every token goes to.
#pragma once

#include <ATen/ATen.h>

namespace gatesweep {

// 1 / (1 + exp(-x)) of each element, in float32 (float64 for float64), rounded to the type. On the CPU a value's bits
// depend on the value alone, which ATen's vectorised function does not promise.
at::Tensor sigmoid_of(at::Tensor const& x);

// Inner product of each row: [T,D], [T,D] -> [T,1] in float32 (float64 for float64). On the CPU a row's bits depend on
// that row alone.
at::Tensor row_products(at::Tensor const& a, at::Tensor const& b);

}  // namespace gatesweep
