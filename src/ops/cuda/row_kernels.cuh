// SwiGLU, its gradient and the rotation of heads, a chunk of columns a thread: rounded where swiglu_rows.cpp and
// row_loops.cpp round.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>

#include "chunks.cuh"
#include "cuda_tensors.h"

namespace gatesweep::cuda {

__device__ inline float sigmoid(float x) {
    return 1.0F / (1.0F + expf(-x));
}

template <class T>
struct SwigluTask {
    T const* d_activation;  // [rows,F], of the gradient alone
    T const* gate_up;       // [rows,2F]
    T* output;              // [rows,F], of the gradient [rows,2F]
    std::int64_t num_rows, f;
};

template <class T, bool kWhole>
__global__ void __launch_bounds__(row_threads) swiglu_kernel(SwigluTask<T> task) {
    constexpr int size = chunk_size<T>;
    std::int64_t const f = task.f, column = (static_cast<std::int64_t>(blockIdx.x) * row_threads + threadIdx.x) * size;
    if (column >= f) return;
    for (std::int64_t row = blockIdx.y; row < task.num_rows; row += gridDim.y) {
        T const *const gate = task.gate_up + row * 2 * f, *const up = gate + f;
        float g[size], u[size];
        load_chunk<kWhole>(gate, column, f, g);
        load_chunk<kWhole>(up, column, f, u);
        for (int i = 0; i < size; ++i)
            g[i] = as_stored<T>(g[i] * sigmoid(g[i])) * u[i];
        store_chunk<kWhole>(g, task.output + row * f, column, f);
    }
}

template <class T, bool kWhole>
__global__ void __launch_bounds__(row_threads) swiglu_backward_kernel(SwigluTask<T> task) {
    constexpr int size = chunk_size<T>;
    std::int64_t const f = task.f, column = (static_cast<std::int64_t>(blockIdx.x) * row_threads + threadIdx.x) * size;
    if (column >= f) return;
    for (std::int64_t row = blockIdx.y; row < task.num_rows; row += gridDim.y) {
        T const *const gate = task.gate_up + row * 2 * f, *const up = gate + f;
        T *const d_gate = task.output + row * 2 * f, *const d_up = d_gate + f;
        float d[size], g[size], u[size];
        load_chunk<kWhole>(task.d_activation + row * f, column, f, d);
        load_chunk<kWhole>(gate, column, f, g);
        load_chunk<kWhole>(up, column, f, u);
        for (int i = 0; i < size; ++i) {
            float const s = sigmoid(g[i]), to_gate = d[i] * u[i] * s * (1.0F + g[i] * (1.0F - s));
            u[i] = d[i] * as_stored<T>(g[i] * s);
            g[i] = to_gate;
        }
        store_chunk<kWhole>(g, d_gate, column, f);
        store_chunk<kWhole>(u, d_up, column, f);
    }
}

template <class T>
struct RotationTask {
    T* x;  // [tokens,heads,2 half], tokens and heads apart by their strides
    std::int64_t token_stride, head_stride;
    std::int64_t const* positions;  // [tokens]
    T const *cos, *sin;             // [positions,half]
    std::int64_t num_tokens;
    int num_heads, half;
    float sign;  // -1 turns back
};

// A token's heads lie along x of the grid, as many chunks each as a half has.
template <class T, bool kWhole>
__global__ void __launch_bounds__(row_threads) rotate_heads_kernel(RotationTask<T> task) {
    constexpr int size = chunk_size<T>;
    int const chunks = (task.half + size - 1) / size, index = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    int const head = index / chunks, column = index % chunks * size, half = task.half;
    if (head >= task.num_heads) return;
    for (std::int64_t token = blockIdx.y; token < task.num_tokens; token += gridDim.y) {
        T *const first = task.x + token * task.token_stride + head * task.head_stride, *const second = first + half;
        std::int64_t const angles = task.positions[token] * half;
        float a[size], b[size], c[size], s[size];
        load_chunk<kWhole>(first, column, half, a);
        load_chunk<kWhole>(second, column, half, b);
        load_chunk<kWhole>(task.cos + angles, column, half, c);
        load_chunk<kWhole>(task.sin + angles, column, half, s);
        for (int i = 0; i < size; ++i) {
            float const x = a[i], y = b[i], turn = task.sign * s[i];
            a[i] = as_stored<T>(x * c[i]) - as_stored<T>(y * turn);
            b[i] = as_stored<T>(y * c[i]) + as_stored<T>(x * turn);
        }
        store_chunk<kWhole>(a, first, column, half);
        store_chunk<kWhole>(b, second, column, half);
    }
}

// launch(kernel, grid, block, arguments ...)
template <class Launch>
at::Tensor launch_swiglu(Launch const& launch, at::Tensor const& gate_up) {
    std::int64_t const num_rows = gate_up.size(0), f = gate_up.size(1) / 2;
    at::Tensor activation = at::empty({num_rows, f}, gate_up.options());
    if (activation.numel() == 0) return activation;
    at::Tensor const rows = gate_up.contiguous();
    for_stored_type(gate_up.scalar_type(), [&](auto const* type) {
        using T = std::remove_cv_t<std::remove_pointer_t<decltype(type)>>;
        SwigluTask<T> const task{nullptr, rows.const_data_ptr<T>(), activation.data_ptr<T>(), num_rows, f};
        for_whole(takes_chunks(task.gate_up, {f}) && takes_chunks(task.output, {f}), [&](auto is_whole) {
            launch(swiglu_kernel<T, decltype(is_whole)::value>,
                   chunk_grid((f + chunk_size<T> - 1) / chunk_size<T>, num_rows), dim3(row_threads), task);
        });
    });
    return activation;
}

template <class Launch>
at::Tensor launch_swiglu_backward(Launch const& launch, at::Tensor const& d_activation, at::Tensor const& gate_up) {
    std::int64_t const num_rows = gate_up.size(0), f = gate_up.size(1) / 2;
    at::Tensor d_gate_up = at::empty({num_rows, 2 * f}, gate_up.options());
    if (d_gate_up.numel() == 0) return d_gate_up;
    at::Tensor const rows = gate_up.contiguous(), gradient = d_activation.contiguous();
    for_stored_type(gate_up.scalar_type(), [&](auto const* type) {
        using T = std::remove_cv_t<std::remove_pointer_t<decltype(type)>>;
        SwigluTask<T> const task{gradient.const_data_ptr<T>(), rows.const_data_ptr<T>(), d_gate_up.data_ptr<T>(),
                                 num_rows, f};
        bool const whole =
            takes_chunks(task.d_activation, {f}) && takes_chunks(task.gate_up, {f}) && takes_chunks(task.output, {f});
        for_whole(whole, [&](auto is_whole) {
            launch(swiglu_backward_kernel<T, decltype(is_whole)::value>,
                   chunk_grid((f + chunk_size<T> - 1) / chunk_size<T>, num_rows), dim3(row_threads), task);
        });
    });
    return d_gate_up;
}

// Positions are a tensor of the device.
template <class Launch>
void launch_rotate_heads(Launch const& launch, at::Tensor const& x, at::Tensor const& positions,
                         RotaryTable const& table, Rotation rotation) {
    std::int64_t const num_tokens = x.size(0), num_heads = x.size(1), half = x.size(2) / 2;
    GATESWEEP_EXPECT(x.stride(2) == 1 && table.cos.is_contiguous() && table.sin.is_contiguous());
    if (num_tokens == 0 || num_heads == 0 || half == 0) return;
    at::Tensor const where = positions.contiguous();
    for_stored_type(x.scalar_type(), [&](auto const* type) {
        using T = std::remove_cv_t<std::remove_pointer_t<decltype(type)>>;
        RotationTask<T> const task{x.data_ptr<T>(),
                                   x.stride(0),
                                   x.stride(1),
                                   where.const_data_ptr<std::int64_t>(),
                                   table.cos.const_data_ptr<T>(),
                                   table.sin.const_data_ptr<T>(),
                                   num_tokens,
                                   static_cast<int>(num_heads),
                                   static_cast<int>(half),
                                   rotation == Rotation::forward ? 1.0F : -1.0F};
        bool const whole = takes_chunks(task.x, {task.token_stride, task.head_stride, half}) &&
                           takes_chunks(task.cos, {half}) && takes_chunks(task.sin, {half});
        std::int64_t const num_chunks = num_heads * ((half + chunk_size<T> - 1) / chunk_size<T>);
        std::int64_t const warps = (num_chunks + warp_size - 1) / warp_size;  // few heads do not fill a whole block
        std::int64_t const threads = warps < row_warps ? warps * warp_size : row_threads;
        for_whole(whole, [&](auto is_whole) {
            launch(rotate_heads_kernel<T, decltype(is_whole)::value>, chunk_grid(num_chunks, num_tokens, threads),
                   dim3(static_cast<unsigned>(threads)), task);
        });
    });
}

}  // namespace gatesweep::cuda
