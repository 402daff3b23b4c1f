// plan_gathered() of gathered_plan.h in two launches: a stable counting sort of the slots by local expert in one block,
// then a thread a token.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "gatesweep/ops/gathered_plan.h"
#include "warp.cuh"

namespace gatesweep::cuda {

struct SortTask {
    std::int64_t const* ids;     // [m*K]
    std::int64_t* offsets;       // [count+1]
    std::int64_t* token_of_row;  // [num_rows]
    std::int64_t* row_of_slot;   // [m*K], -1 of others' experts
    std::int64_t num_slots, num_rows, first_expert;
    int num_experts, top_k;  // of this rank; of a token
};

inline constexpr int most_planned_experts = 128;
// Threads of the block: a counter for each of them and each expert fits into 32 KB of shared memory.
template <int kMaxExperts>
inline constexpr int sort_threads = 8192 / kMaxExperts < 1024 ? 8192 / kMaxExperts : 1024;

template <int kMaxExperts>
__global__ void __launch_bounds__(sort_threads<kMaxExperts>) sort_slots_kernel(SortTask task) {
    constexpr int threads = sort_threads<kMaxExperts>;
    __shared__ int rows_before[kMaxExperts]
                              [threads];  // first a thread's own slots of an expert, then those before them
    __shared__ int rows_of_expert[kMaxExperts], first_row[kMaxExperts + 1];
    int const thread = static_cast<int>(threadIdx.x), warp = thread / warp_size, lane = thread % warp_size;
    std::int64_t const share = (task.num_slots + threads - 1) / threads, begin = thread * share,
                       end = begin + share < task.num_slots ? begin + share : task.num_slots;

    for (int e = 0; e < task.num_experts; ++e)
        rows_before[e][thread] = 0;
    for (std::int64_t i = begin; i < end; ++i) {
        std::int64_t const expert = task.ids[i] - task.first_expert;
        if (expert >= 0 && expert < task.num_experts) ++rows_before[expert][thread];
    }
    __syncthreads();
    for (int e = warp; e < task.num_experts; e += threads / warp_size) {
        int before = 0;
        for (int t = lane; t < threads; t += warp_size) {
            int const own = rows_before[e][t];
            int sum = own;  // of the lanes up to this one
            for (unsigned distance = 1; distance < warp_size; distance *= 2) {
                int const other = __shfl_up_sync(0xffffffffU, sum, distance);
                if (lane >= static_cast<int>(distance)) sum += other;
            }
            rows_before[e][t] = before + sum - own;
            before += __shfl_sync(0xffffffffU, sum, warp_size - 1);
        }
        if (lane == 0) rows_of_expert[e] = before;
    }
    __syncthreads();
    if (thread == 0) {
        first_row[0] = 0;
        for (int e = 0; e < task.num_experts; ++e)
            first_row[e + 1] = first_row[e] + rows_of_expert[e];
    }
    __syncthreads();
    for (int e = thread; e <= task.num_experts; e += threads)
        task.offsets[e] = first_row[e];
    for (std::int64_t row = first_row[task.num_experts] + thread; row < task.num_rows; row += threads)
        task.token_of_row[row] = 0;  // of nobody, but there
    for (std::int64_t i = begin; i < end; ++i) {
        std::int64_t const expert = task.ids[i] - task.first_expert;
        bool const is_mine = expert >= 0 && expert < task.num_experts;
        std::int64_t const row = is_mine ? first_row[expert] + rows_before[expert][thread]++ : -1;
        task.row_of_slot[i] = row;
        if (is_mine) task.token_of_row[row] = i / task.top_k;
    }
}

struct PlacesTask {
    std::int64_t const* row_of_slot;  // [m*K]
    std::int64_t const* own_ids;      // [n*K]
    std::int64_t* answer_rows;        // [m*places]
    std::int64_t* slot_places;        // [n*K]
    std::int64_t num_tokens, num_own;
    int smallest, num_larger;  // the first `num_larger` ranks hold smallest + 1 experts, the others `smallest`
    int top_k, places;
};

__device__ inline std::int64_t owner_of(std::int64_t expert, PlacesTask const& task) {
    std::int64_t const larger = task.smallest + 1;
    return expert < task.num_larger * larger ? expert / larger : (expert - task.num_larger) / task.smallest;
}

inline constexpr int places_threads = 128;

// m >= n: a token of the group has a thread, and with the same number one of this rank.
template <int kThreads>
__global__ void __launch_bounds__(kThreads) places_kernel(PlacesTask task) {
    std::int64_t const t = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (t < task.num_tokens) {
        int place = 0;
        for (int k = 0; k < task.top_k; ++k) {
            std::int64_t const row = task.row_of_slot[t * task.top_k + k];
            if (row >= 0) task.answer_rows[t * task.places + place++] = row;
        }
        for (; place < task.places; ++place)
            task.answer_rows[t * task.places + place] = 0;
    }
    if (t < task.num_own) {
        std::int64_t const* const ids = task.own_ids + t * task.top_k;
        for (int k = 0; k < task.top_k; ++k) {
            std::int64_t const owner = owner_of(ids[k], task);
            int earlier = 0;
            for (int j = 0; j < k; ++j)
                earlier += owner_of(ids[j], task) == owner ? 1 : 0;
            task.slot_places[t * task.top_k + k] = (owner * task.num_own + t) * task.places + earlier;
        }
    }
}

// launch(kernel, grid, block, arguments ...)
template <class Launch>
GatheredPlan launch_plan_gathered(Launch const& launch, GatheredIds const& ids) {
    std::int64_t const num_tokens = ids.all.size(0), top_k = ids.all.size(1), num_own = ids.own.size(0),
                       num_places = ids.places();
    ExpertRange const mine = ids.mine();
    auto const options = ids.all.options();
    GatheredPlan plan{at::empty({mine.count + 1}, options), at::empty({num_tokens * num_places}, options),
                      at::empty({num_tokens * num_places}, options), at::empty({num_own * top_k}, options)};
    at::Tensor const all = ids.all.contiguous(), own = ids.own.contiguous(),
                     row_of_slot = at::empty({num_tokens * top_k}, options);
    SortTask const sort{all.const_data_ptr<std::int64_t>(),
                        plan.offsets.data_ptr<std::int64_t>(),
                        plan.token_of_row.data_ptr<std::int64_t>(),
                        row_of_slot.data_ptr<std::int64_t>(),
                        num_tokens * top_k,
                        plan.token_of_row.numel(),
                        mine.first,
                        static_cast<int>(mine.count),
                        static_cast<int>(top_k)};
    if (mine.count <= 8) {
        launch(sort_slots_kernel<8>, dim3(1), dim3(sort_threads<8>), sort);
    } else if (mine.count <= 64) {
        launch(sort_slots_kernel<64>, dim3(1), dim3(sort_threads<64>), sort);
    } else {
        launch(sort_slots_kernel<most_planned_experts>, dim3(1), dim3(sort_threads<most_planned_experts>), sort);
    }
    if (num_tokens == 0) return plan;
    PlacesTask const places{row_of_slot.const_data_ptr<std::int64_t>(),
                            own.const_data_ptr<std::int64_t>(),
                            plan.answer_rows.data_ptr<std::int64_t>(),
                            plan.slot_places.data_ptr<std::int64_t>(),
                            num_tokens,
                            num_own,
                            static_cast<int>(ids.split.smallest()),
                            static_cast<int>(ids.split.num_larger()),
                            static_cast<int>(top_k),
                            static_cast<int>(num_places)};
    launch(places_kernel<places_threads>,
           dim3(static_cast<unsigned>((num_tokens + places_threads - 1) / places_threads)), dim3(places_threads),
           places);
    return plan;
}

}  // namespace gatesweep::cuda
