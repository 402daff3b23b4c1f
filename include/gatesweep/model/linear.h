// Every matrix product over tokens goes through here.
//
// The CPU libraries compute the last (rows mod 4) rows with another kernel, whose sums round differently; with rows
// padded by zeros to a multiple of 4 a row's bits do not depend on how many rows there are, nor on where it stands.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace gatesweep {

inline constexpr std::int64_t row_multiple = 4;
inline std::int64_t padded_rows(std::int64_t rows) { return (rows + row_multiple - 1) / row_multiple * row_multiple; }

at::Tensor token_linear(at::Tensor const& x, at::Tensor const& weight);             // [T,in], [out,in] -> [T,out]
at::Tensor token_linear_input_gradient(at::Tensor const& dy, at::Tensor const& weight);  // [T,out], [out,in] -> [T,in]

}  // namespace gatesweep
