// Every matrix product over tokens goes through here.
//
// A row's bits do not depend on how many rows there are, where it stands, or on the number of threads. The CPU libraries
// do not promise that by themselves: they compute the last (rows mod 4) rows with another kernel, pick kernels by the
// number of rows, and cut long sums by rows and threads. So rows are padded by zeros to a multiple of 4, MKL is asked for
// its strict mode (MKL_CBWR, unless the user has set it), and long bfloat16 sums are computed in tiles of one size.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace gatesweep {

inline constexpr std::int64_t row_multiple = 4;
inline std::int64_t padded_rows(std::int64_t rows) { return (rows + row_multiple - 1) / row_multiple * row_multiple; }

at::Tensor token_linear(at::Tensor const& x, at::Tensor const& weight);             // [T,in], [out,in] -> [T,out]
at::Tensor token_linear_input_gradient(at::Tensor const& dy, at::Tensor const& weight);  // [T,out], [out,in] -> [T,in]

}  // namespace gatesweep
