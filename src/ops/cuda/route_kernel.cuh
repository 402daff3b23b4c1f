// Softmax, the K largest with their tie rule, weights and edits of one token in one thread: the loops of route() in
// router.cpp, in the same order.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>

#include "cuda_tensors.h"
#include "ops/edit_rule.h"

namespace gatesweep::cuda {

template <class T>
struct RouteTask {
    T const* logits;                 // [T,E]
    float const* edit_values;        // [entries,E]
    std::int32_t const* edit_modes;  // [entries]; -1: nothing is edited
    std::int32_t const* entries;     // [T], or null: nothing is edited anywhere
    std::int64_t* expert_ids;        // [T,K]
    float* weights;                  // [T,K]
    float* margins;                  // [T], or null where all experts are chosen
    bool* all_finite;
    std::int64_t num_tokens;
    int num_experts, top_k;
};

inline constexpr int route_threads = 128;
inline constexpr int most_routed_experts = 64;

// Loops run to kMaxExperts, known to the compiler, so that a token's probabilities stay in registers.
template <class T, int kMaxExperts>
__global__ void __launch_bounds__(route_threads) route_kernel(RouteTask<T> task) {
    std::int64_t const t = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (t >= task.num_tokens) return;
    int const num_experts = task.num_experts, top_k = task.top_k;
    float p[kMaxExperts];
    bool finite = true;
    for (int e = 0; e < kMaxExperts; ++e) {
        p[e] = e < num_experts ? static_cast<float>(task.logits[t * num_experts + e]) : -INFINITY;
        if (e < num_experts && !(fabsf(p[e]) < INFINITY)) finite = false;
    }
    if (!finite) *task.all_finite = false;  // whoever writes it writes the same

    int const entry = task.entries ? task.entries[t] : 0, mode = task.entries ? task.edit_modes[entry] : not_edited;
    float const* const values =
        task.entries ? task.edit_values + static_cast<std::int64_t>(entry) * num_experts : nullptr;
    edit_logits<kMaxExperts>(mode, values, num_experts, p);

    float largest = -INFINITY, total = 0.0F;
    for (int e = 0; e < kMaxExperts; ++e)
        largest = e < num_experts && p[e] > largest ? p[e] : largest;
    for (int e = 0; e < kMaxExperts; ++e) {
        if (e >= num_experts) continue;
        p[e] = expf(p[e] - largest);
        total += p[e];
    }
    for (int e = 0; e < kMaxExperts; ++e)
        p[e] /= total;

    // The largest of those that are left, the first of equals, again and again; one more than K tells the margin.
    std::uint64_t chosen = 0;
    float sum = 0.0F, last = 0.0F;
    for (int k = 0; k < top_k + (task.margins ? 1 : 0); ++k) {
        int best = -1;
        float best_p = 0.0F;
        for (int e = 0; e < kMaxExperts; ++e) {
            if (e < num_experts && (chosen >> e & 1) == 0 && (best < 0 || p[e] > best_p)) {
                best = e;
                best_p = p[e];
            }
        }
        if (k == top_k) {
            task.margins[t] = last - best_p;
        } else {
            chosen |= std::uint64_t{1} << best;
            sum += best_p;
            last = best_p;
        }
    }

    int slot = 0;
    for (int e = 0; e < kMaxExperts; ++e) {
        if ((chosen >> e & 1) == 0) continue;
        task.expert_ids[t * top_k + slot] = e;
        task.weights[t * top_k + slot++] = p[e] / sum;
    }
    edit_weights(mode, values, task.expert_ids + t * top_k, task.weights + t * top_k, top_k);
}

// launch(kernel, grid, block, arguments ...)
template <class Launch>
Routing launch_route(Launch const& launch, at::Tensor const& logits, std::int64_t top_k, RowEditTensors const& edits,
                     at::Tensor const& all_finite) {
    std::int64_t const num_tokens = logits.size(0), num_experts = logits.size(1);
    Routing routing;
    routing.num_experts = num_experts;
    routing.expert_ids = at::empty({num_tokens, top_k}, logits.options().dtype(at::kLong));
    routing.routing_weights = at::empty({num_tokens, top_k}, logits.options().dtype(at::kFloat));
    if (top_k < num_experts) routing.margins = at::empty({num_tokens}, logits.options().dtype(at::kFloat));
    if (num_tokens == 0) return routing;
    at::Tensor const rows = logits.contiguous();
    for_stored_type(rows.scalar_type(), [&](auto const* type) {
        using T = std::remove_cv_t<std::remove_pointer_t<decltype(type)>>;
        bool const edited = edits.entries.defined();
        RouteTask<T> const task{rows.const_data_ptr<T>(),
                                edited ? edits.values.const_data_ptr<float>() : nullptr,
                                edited ? edits.modes.const_data_ptr<std::int32_t>() : nullptr,
                                edited ? edits.entries.const_data_ptr<std::int32_t>() : nullptr,
                                routing.expert_ids.data_ptr<std::int64_t>(),
                                routing.routing_weights.data_ptr<float>(),
                                routing.margins.defined() ? routing.margins.data_ptr<float>() : nullptr,
                                all_finite.data_ptr<bool>(),
                                num_tokens,
                                static_cast<int>(num_experts),
                                static_cast<int>(top_k)};
        dim3 const blocks(static_cast<unsigned>((num_tokens + route_threads - 1) / route_threads));
        if (num_experts <= 8) {
            launch(route_kernel<T, 8>, blocks, dim3(route_threads), task);
        } else {
            launch(route_kernel<T, most_routed_experts>, blocks, dim3(route_threads), task);
        }
    });
    return routing;
}

}  // namespace gatesweep::cuda
