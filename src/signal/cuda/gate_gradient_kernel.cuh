// Sums of outer products by prompt in float64, in the order of tokens and slots. A product of two float32 is exact
// there, so that a fused multiply-add leaves the same bits as the two steps of gate_gradients.cpp.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <type_traits>

#include "gate_gradient.h"
#include "gatesweep/ops/gpu_kernels.h"

namespace gatesweep::cuda {

template <class T>
struct GateGradientTask {
    std::int64_t const* expert_ids;  // [T,K]
    float const* d_router_logits;    // [T,K]
    T const* router_input;           // [T,D]
    std::int64_t const* offsets;     // [P+1]
    double* gradient;                // [P,E,D]
    std::int64_t num_experts, d;
    int top_k;
};

inline constexpr int gradient_columns = 128;  // of a block, one a thread
inline constexpr int gradient_experts = 8;    // of a block
inline constexpr int tokens_ahead = 8;        // whose inputs are on their way while nothing waits for them

// Grid: prompts, tiles of columns, groups of experts. Every thread reads and writes the sums of its own column alone.
template <class T>
__global__ void __launch_bounds__(gradient_columns) gate_gradient_kernel(GateGradientTask<T> task) {
    __shared__ double sums[gradient_experts][gradient_columns];
    int const thread = static_cast<int>(threadIdx.x);
    std::int64_t const prompt = blockIdx.x, column = static_cast<std::int64_t>(blockIdx.y) * gradient_columns + thread;
    std::int64_t const first_expert = static_cast<std::int64_t>(blockIdx.z) * gradient_experts, d = task.d;
    if (column >= d) return;
    for (int e = 0; e < gradient_experts; ++e)
        sums[e][thread] = 0.0;

    std::int64_t const end = task.offsets[prompt + 1];
    for (std::int64_t first = task.offsets[prompt]; first < end; first += tokens_ahead) {
        float x[tokens_ahead];
        for (int i = 0; i < tokens_ahead; ++i)
            x[i] = first + i < end ? static_cast<float>(task.router_input[(first + i) * d + column]) : 0.0F;
        for (int i = 0; i < tokens_ahead; ++i) {
            if (first + i >= end) break;
            for (std::int64_t slot = (first + i) * task.top_k; slot < (first + i + 1) * task.top_k; ++slot) {
                std::int64_t const expert = task.expert_ids[slot] - first_expert;
                if (expert < 0 || expert >= gradient_experts) continue;
                sums[expert][thread] += static_cast<double>(task.d_router_logits[slot]) * static_cast<double>(x[i]);
            }
        }
    }

    double* const to = task.gradient + (prompt * task.num_experts + first_expert) * d + column;
    for (int e = 0; e < gradient_experts && first_expert + e < task.num_experts; ++e)
        to[e * d] = sums[e][thread];
}

// launch(kernel, grid, block, arguments ...)
template <class Launch>
at::Tensor launch_gate_gradient(Launch const& launch, GateGradientInput const& in, at::Tensor const& offsets) {
    std::int64_t const num_prompts = offsets.numel() - 1, d = in.router_input.size(1);
    at::Tensor gradient = at::empty({num_prompts, in.num_experts, d}, in.router_input.options().dtype(at::kDouble));
    if (gradient.numel() == 0) return gradient;
    GATESWEEP_EXPECT(in.expert_ids.is_contiguous() && in.d_router_logits.is_contiguous() &&
                     in.router_input.is_contiguous());
    for_stored_type(in.router_input.scalar_type(), [&](auto const* type) {
        using T = std::remove_cv_t<std::remove_pointer_t<decltype(type)>>;
        GateGradientTask<T> const task{in.expert_ids.const_data_ptr<std::int64_t>(),
                                       in.d_router_logits.const_data_ptr<float>(),
                                       in.router_input.const_data_ptr<T>(),
                                       offsets.const_data_ptr<std::int64_t>(),
                                       gradient.data_ptr<double>(),
                                       in.num_experts,
                                       d,
                                       static_cast<int>(in.expert_ids.size(1))};
        dim3 const grid(static_cast<unsigned>(num_prompts),
                        static_cast<unsigned>((d + gradient_columns - 1) / gradient_columns),
                        static_cast<unsigned>((in.num_experts + gradient_experts - 1) / gradient_experts));
        launch(gate_gradient_kernel<T>, grid, dim3(gradient_columns), task);
    });
    return gradient;
}

}  // namespace gatesweep::cuda
