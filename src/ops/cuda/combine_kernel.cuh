// The weighted sum of each token's K slots and its gradient, in the order and with the rounding of combine() in
// router.cpp.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "chunks.cuh"
#include "cuda_tensors.h"

namespace gatesweep::cuda {

template <class T>
struct CombineTask {
    T const* slots;        // [T*K,D]
    float const* weights;  // [T,K]
    T* output;             // [T,D]
    std::int64_t num_tokens, d;
    int top_k;
};

template <class T, bool kWhole>
__global__ void __launch_bounds__(row_threads) combine_kernel(CombineTask<T> task) {
    constexpr int size = chunk_size<T>;
    std::int64_t const d = task.d, column = (static_cast<std::int64_t>(blockIdx.x) * row_threads + threadIdx.x) * size;
    if (column >= d) return;
    for (std::int64_t token = blockIdx.y; token < task.num_tokens; token += gridDim.y) {
        float sum[size] = {};
        for (std::int64_t slot = token * task.top_k; slot < (token + 1) * task.top_k; ++slot) {
            float const weight = task.weights[slot];
            if (weight == 0.0F) continue;
            float row[size];
            load_chunk<kWhole>(task.slots + slot * d, column, d, row);
            for (int i = 0; i < size; ++i)
                sum[i] += weight * row[i];
        }
        store_chunk<kWhole>(sum, task.output + token * d, column, d);
    }
}

template <class T>
struct CombineGradientTask {
    T const* dy;           // [T,D]
    T const* slots;        // [T*K,D]
    float const* weights;  // [T,K]
    T* d_slots;            // [T*K,D]
    float* d_weights;      // [T,K]
    std::int64_t d;
    int top_k;
};

// A block a slot; dy is in the cache when a token's next slot reads it.
template <class T, bool kWhole>
__global__ void __launch_bounds__(row_threads) combine_backward_kernel(CombineGradientTask<T> task) {
    __shared__ float products[row_warps];
    constexpr int size = chunk_size<T>;
    std::int64_t const d = task.d, slot = blockIdx.x;
    T const *const dy = task.dy + slot / task.top_k * d, *const output = task.slots + slot * d;
    float const weight = task.weights[slot];
    float product = 0.0F;
    for (std::int64_t column = static_cast<std::int64_t>(threadIdx.x) * size; column < d;
         column += row_threads * size) {
        float g[size], row[size];
        load_chunk<kWhole>(dy, column, d, g);
        load_chunk<kWhole>(output, column, d, row);
        for (int i = 0; i < size; ++i) {
            product += g[i] * row[i];
            g[i] *= weight;
        }
        store_chunk<kWhole>(g, task.d_slots + slot * d, column, d);
    }
    float const sum = block_sum(product, products);
    if (threadIdx.x == 0) task.d_weights[slot] = sum;
}

// launch(kernel, grid, block, arguments ...)
template <class Launch>
at::Tensor launch_combine(Launch const& launch, at::Tensor const& slot_outputs, at::Tensor const& routing_weights) {
    std::int64_t const num_tokens = routing_weights.size(0), d = slot_outputs.size(1);
    at::Tensor output = at::empty({num_tokens, d}, slot_outputs.options());
    if (output.numel() == 0) return output;
    at::Tensor const slots = slot_outputs.contiguous(), weights = routing_weights.contiguous();
    for_stored_type(slots.scalar_type(), [&](auto const* type) {
        using T = std::remove_cv_t<std::remove_pointer_t<decltype(type)>>;
        CombineTask<T> const task{
            slots.const_data_ptr<T>(),        weights.const_data_ptr<float>(), output.data_ptr<T>(), num_tokens, d,
            static_cast<int>(weights.size(1))};
        for_whole(takes_chunks(task.slots, {d}) && takes_chunks(task.output, {d}), [&](auto is_whole) {
            launch(combine_kernel<T, decltype(is_whole)::value>,
                   chunk_grid((d + chunk_size<T> - 1) / chunk_size<T>, num_tokens), dim3(row_threads), task);
        });
    });
    return output;
}

template <class Launch>
CombineGradient launch_combine_backward(Launch const& launch, at::Tensor const& dy, at::Tensor const& slot_outputs,
                                        at::Tensor const& routing_weights) {
    std::int64_t const num_slots = slot_outputs.size(0), d = slot_outputs.size(1);
    CombineGradient gradient{at::empty({num_slots, d}, slot_outputs.options()),
                             at::empty(routing_weights.sizes(), routing_weights.options())};
    if (gradient.d_slot_outputs.numel() == 0) return gradient;
    at::Tensor const rows = dy.contiguous(), slots = slot_outputs.contiguous(), weights = routing_weights.contiguous();
    for_stored_type(slots.scalar_type(), [&](auto const* type) {
        using T = std::remove_cv_t<std::remove_pointer_t<decltype(type)>>;
        CombineGradientTask<T> const task{rows.const_data_ptr<T>(),
                                          slots.const_data_ptr<T>(),
                                          weights.const_data_ptr<float>(),
                                          gradient.d_slot_outputs.data_ptr<T>(),
                                          gradient.d_routing_weights.data_ptr<float>(),
                                          d,
                                          static_cast<int>(weights.size(1))};
        bool const whole =
            takes_chunks(task.dy, {d}) && takes_chunks(task.slots, {d}) && takes_chunks(task.d_slots, {d});
        for_whole(whole, [&](auto is_whole) {
            launch(combine_backward_kernel<T, decltype(is_whole)::value>, dim3(static_cast<unsigned>(num_slots)),
                   dim3(row_threads), task);
        });
    });
    return gradient;
}

}  // namespace gatesweep::cuda
