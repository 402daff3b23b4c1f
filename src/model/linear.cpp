#include "gatesweep/model/linear.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdlib>

namespace gatesweep {
namespace {

// Before MKL's first product, which is when it reads this. Without it MKL picks kernels by the number of rows and cuts
// long sums by the number of threads (measured: from 128 columns, and from 1024).
[[maybe_unused]] int const strict_products = ::setenv("MKL_CBWR", "AUTO,STRICT", 0);

// oneDNN's bfloat16 products cut sums of this many terms and more in ways that depend on the number of rows and
// threads. They do not for one shape on one thread, so such products are made of tiles, and the threads share the
// tiles.
constexpr std::int64_t long_sum = 1024;
constexpr std::int64_t tile_rows = 32;
constexpr std::int64_t tile_columns = 512;

at::Tensor with_rows(at::Tensor const& x, std::int64_t rows) {
    if (x.size(0) == rows) return x;
    at::Tensor const padded = at::zeros({rows, x.size(1)}, x.options());
    padded.slice(0, 0, x.size(0)).copy_(x);
    return padded;
}

at::Tensor tiled_product(at::Tensor const& x, at::Tensor const& weight) {
    std::int64_t const rows = x.size(0), columns = weight.size(1);
    std::int64_t const row_tiles = (rows + tile_rows - 1) / tile_rows;
    // At least two: a single task would run outside the parallel region, where oneDNN takes all threads.
    std::int64_t const column_tiles = std::max<std::int64_t>(2, (columns + tile_columns - 1) / tile_columns);
    std::int64_t const width = (columns + column_tiles - 1) / column_tiles;
    at::Tensor const padded = with_rows(x, row_tiles * tile_rows),
                     result = at::empty({row_tiles * tile_rows, columns}, x.options());
    at::parallel_for(0, row_tiles * column_tiles, 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t tile = first; tile < last; ++tile) {
            std::int64_t const row = tile % row_tiles * tile_rows, column = tile / row_tiles * width;
            std::int64_t const end = std::min(column + width, columns);
            if (column >= end) continue;
            at::Tensor const part = at::mm(padded.slice(0, row, row + tile_rows), weight.slice(1, column, end));
            result.slice(0, row, row + tile_rows).slice(1, column, end).copy_(part);
        }
    });
    return result.slice(0, 0, rows);
}

// x [T,in] times weight [in,out].
at::Tensor product(at::Tensor const& x, at::Tensor const& weight) {
    std::int64_t const rows = x.size(0);
    if (rows == 0) return at::empty({0, weight.size(1)}, x.options());
    if (x.is_cpu() && x.scalar_type() == at::kBFloat16 && x.size(1) >= long_sum) return tiled_product(x, weight);
    return at::mm(with_rows(x, padded_rows(rows)), weight).slice(0, 0, rows);
}

}  // namespace

at::Tensor token_linear(at::Tensor const& x, at::Tensor const& weight) {
    return product(x, weight.t());
}

at::Tensor token_linear_input_gradient(at::Tensor const& dy, at::Tensor const& weight) {
    return product(dy, weight);
}

}  // namespace gatesweep
