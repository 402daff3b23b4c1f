// Sums of rows in float64, a block a row: in an order that follows from the row's length alone.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "chunks.cuh"
#include "gatesweep/base/error.h"

namespace gatesweep::cuda {

struct RowSumsTask {
    double const* x;  // [n,C]
    double* sums;     // [n]
    std::int64_t num_columns;
};

// Grid: rows.
template <int kThreads>
__global__ void __launch_bounds__(kThreads) row_sums_kernel(RowSumsTask task) {
    __shared__ double parts[kThreads / warp_size];
    double const* const row = task.x + blockIdx.x * task.num_columns;
    double sum = 0.0;
    for (std::int64_t column = threadIdx.x; column < task.num_columns; column += kThreads)
        sum += row[column];
    sum = block_sum(sum, parts);
    if (threadIdx.x == 0) task.sums[blockIdx.x] = sum;
}

// launch(kernel, grid, block, arguments ...)
template <class Launch>
at::Tensor launch_row_sums(Launch const& launch, at::Tensor const& x) {
    GATESWEEP_EXPECT(x.scalar_type() == at::kDouble && x.dim() == 2);
    at::Tensor const rows = x.contiguous();
    at::Tensor sums = at::zeros({x.size(0)}, x.options());
    if (x.numel() == 0) return sums;
    launch(row_sums_kernel<row_threads>, dim3(static_cast<unsigned>(x.size(0))), dim3(row_threads),
           RowSumsTask{rows.const_data_ptr<double>(), sums.data_ptr<double>(), x.size(1)});
    return sums;
}

}  // namespace gatesweep::cuda
