// Sums of outer products over rows, the gradient of a matrix: whose bits do not depend on threads.
#pragma once

#include <ATen/ATen.h>

namespace gatesweep {

// sum over rows of left[i,:] (x) right[i,:]: [n,m], [n,k] -> [m,k] float64 where the operands are. On the CPU each
// element is one sum over the rows in ascending order.
at::Tensor outer_sum(at::Tensor const& left, at::Tensor const& right);

}  // namespace gatesweep
