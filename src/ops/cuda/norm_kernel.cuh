// RMS norm and its gradient, a block a row: rounded where row_loops.cpp rounds.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>

#include "chunks.cuh"
#include "cuda_tensors.h"

namespace gatesweep::cuda {

template <class T>
struct NormTask {
    T const *dy, *x;  // [rows,D]; dy of the gradient alone
    T const* weight;  // [D]
    T* output;        // [rows,D]
    std::int64_t d;
    float eps;
};

template <class T, bool kWhole>
__global__ void __launch_bounds__(row_threads) rms_norm_kernel(NormTask<T> task) {
    __shared__ float squares[row_warps];
    constexpr int size = chunk_size<T>;
    std::int64_t const d = task.d, row = blockIdx.x, first = static_cast<std::int64_t>(threadIdx.x) * size;
    T const* const x = task.x + row * d;
    float a[size], w[size], square = 0.0F;
    for (std::int64_t column = first; column < d; column += row_threads * size) {
        load_chunk<kWhole>(x, column, d, a);
        for (int i = 0; i < size; ++i)
            square += a[i] * a[i];
    }
    float const scale = 1.0F / sqrtf(block_sum(square, squares) / static_cast<float>(d) + task.eps);
    for (std::int64_t column = first; column < d; column += row_threads * size) {
        load_chunk<kWhole>(x, column, d, a);
        load_chunk<kWhole>(task.weight, column, d, w);
        for (int i = 0; i < size; ++i)
            a[i] = as_stored<T>(a[i] * scale) * w[i];
        store_chunk<kWhole>(a, task.output + row * d, column, d);
    }
}

template <class T, bool kWhole>
__global__ void __launch_bounds__(row_threads) rms_norm_backward_kernel(NormTask<T> task) {
    __shared__ float squares[row_warps], products[row_warps];
    constexpr int size = chunk_size<T>;
    std::int64_t const d = task.d, row = blockIdx.x, first = static_cast<std::int64_t>(threadIdx.x) * size;
    T const *const x = task.x + row * d, *const dy = task.dy + row * d;
    float a[size], g[size], w[size], square = 0.0F, product = 0.0F;
    for (std::int64_t column = first; column < d; column += row_threads * size) {
        load_chunk<kWhole>(x, column, d, a);
        load_chunk<kWhole>(dy, column, d, g);
        load_chunk<kWhole>(task.weight, column, d, w);
        for (int i = 0; i < size; ++i) {
            square += a[i] * a[i];
            product += g[i] * w[i] * a[i];
        }
    }
    auto const n = static_cast<float>(d);
    float const scale = 1.0F / sqrtf(block_sum(square, squares) / n + task.eps),
                projection = block_sum(product, products) / n * scale * scale;
    for (std::int64_t column = first; column < d; column += row_threads * size) {
        load_chunk<kWhole>(x, column, d, a);
        load_chunk<kWhole>(dy, column, d, g);
        load_chunk<kWhole>(task.weight, column, d, w);
        for (int i = 0; i < size; ++i)
            a[i] = (g[i] * w[i] - a[i] * projection) * scale;
        store_chunk<kWhole>(a, task.output + row * d, column, d);
    }
}

// launch(kernel, grid, block, arguments ...); dy undefined: the norm itself.
template <class Launch>
at::Tensor launch_norm(Launch const& launch, at::Tensor const& dy, at::Tensor const& x, at::Tensor const& weight,
                       double eps) {
    std::int64_t const num_rows = x.size(0), d = x.size(1);
    at::Tensor output = at::empty({num_rows, d}, x.options());
    if (output.numel() == 0) return output;
    bool const is_gradient = dy.defined();
    at::Tensor const rows = x.contiguous(), gradient = is_gradient ? dy.contiguous() : dy,
                     factors = weight.contiguous();
    for_stored_type(x.scalar_type(), [&](auto const* type) {
        using T = std::remove_cv_t<std::remove_pointer_t<decltype(type)>>;
        NormTask<T> const task{is_gradient ? gradient.const_data_ptr<T>() : nullptr,
                               rows.const_data_ptr<T>(),
                               factors.const_data_ptr<T>(),
                               output.data_ptr<T>(),
                               d,
                               static_cast<float>(eps)};
        bool const whole = takes_chunks(task.dy, {d}) && takes_chunks(task.x, {d}) && takes_chunks(task.weight, {d}) &&
                           takes_chunks(task.output, {d});
        for_whole(whole, [&](auto is_whole) {
            constexpr bool kWhole = decltype(is_whole)::value;
            dim3 const blocks(static_cast<unsigned>(num_rows));
            if (is_gradient) {
                launch(rms_norm_backward_kernel<T, kWhole>, blocks, dim3(row_threads), task);
            } else {
                launch(rms_norm_kernel<T, kWhole>, blocks, dim3(row_threads), task);
            }
        });
    });
    return output;
}

template <class Launch>
at::Tensor launch_rms_norm(Launch const& launch, at::Tensor const& x, at::Tensor const& weight, double eps) {
    return launch_norm(launch, {}, x, weight, eps);
}

template <class Launch>
at::Tensor launch_rms_norm_backward(Launch const& launch, at::Tensor const& dy, at::Tensor const& x,
                                    at::Tensor const& weight, double eps) {
    return launch_norm(launch, dy, x, weight, eps);
}

}  // namespace gatesweep::cuda
