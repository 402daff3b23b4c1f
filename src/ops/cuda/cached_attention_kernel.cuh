// One query a sequence against the keys and values of its cache slot. A block computes a few query heads that share
// their keys, so that a key is read once for them; its warps take every fourth key and are added up in their order. A
// row's bits depend on its own sequence alone.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>

#include "cuda_tensors.h"
#include "gatesweep/ops/cached_attention.h"
#include "warp.cuh"

namespace gatesweep::cuda {

template <class T>
struct CachedAttentionTask {
    T const* q;  // [n,H,d], rows and heads apart by their strides
    std::int64_t q_row_stride, q_head_stride;
    T const *k, *v;  // [slots,Hkv,capacity,d]
    std::int64_t slot_stride, head_stride;
    std::int64_t const *slots, *positions;  // [n]
    std::int64_t window;                    // 0: all keys are seen
    float scale;
    T const* sinks;  // [H], or null
    T* output;       // [n,H,d]
    int num_heads, group, d;
};

inline constexpr int attention_warps = 4;
inline constexpr int most_lane_columns = 8;  // of a warp's lane: head_dim up to 256

// Grid: rows, heads of keys, parts of kHeads query heads of a group. A lane holds columns lane, lane + 32, ...
template <class T, int kHeads, int kColumns>
__global__ void __launch_bounds__(attention_warps* warp_size) cached_attention_kernel(CachedAttentionTask<T> task) {
    __shared__ float warp_output[attention_warps][kHeads][kColumns * warp_size];
    __shared__ float warp_largest[attention_warps][kHeads], warp_total[attention_warps][kHeads];
    int const warp = static_cast<int>(threadIdx.x) / warp_size, lane = static_cast<int>(threadIdx.x) % warp_size,
              d = task.d;
    std::int64_t const row = blockIdx.x, kv_head = blockIdx.y;
    int const first_head = static_cast<int>(blockIdx.z) * kHeads;  // of the group
    std::int64_t const group_head = kv_head * task.group + first_head;

    float q[kHeads][kColumns], sum[kHeads][kColumns], largest[kHeads], total[kHeads];
    for (int h = 0; h < kHeads; ++h) {
        bool const exists = first_head + h < task.group;
        T const* const from = task.q + row * task.q_row_stride + (group_head + h) * task.q_head_stride;
        for (int c = 0; c < kColumns; ++c) {
            int const column = c * warp_size + lane;
            q[h][c] = exists && column < d ? static_cast<float>(from[column]) : 0.0F;
            sum[h][c] = 0.0F;
        }
        largest[h] = -INFINITY;
        total[h] = 0.0F;
    }

    std::int64_t const last = task.positions[row],
                       offset = task.slots[row] * task.slot_stride + kv_head * task.head_stride;
    std::int64_t const first = task.window > 0 && last >= task.window ? last - task.window + 1 : 0;
    for (std::int64_t key = first + warp; key <= last; key += attention_warps) {
        T const *const k = task.k + offset + key * d, *const v = task.v + offset + key * d;
        float key_columns[kColumns], value[kColumns];
        for (int c = 0; c < kColumns; ++c) {
            int const column = c * warp_size + lane;
            key_columns[c] = column < d ? static_cast<float>(k[column]) : 0.0F;
            value[c] = column < d ? static_cast<float>(v[column]) : 0.0F;
        }
        for (int h = 0; h < kHeads; ++h) {
            float product = 0.0F;
            for (int c = 0; c < kColumns; ++c)
                product = fmaf(q[h][c], key_columns[c], product);
            float const score = warp_sum(product) * task.scale;
            float const now = score > largest[h] ? score : largest[h];
            float const shrink = expf(largest[h] - now), weight = expf(score - now);
            largest[h] = now;
            total[h] = total[h] * shrink + weight;
            for (int c = 0; c < kColumns; ++c)
                sum[h][c] = fmaf(sum[h][c], shrink, weight * value[c]);
        }
    }

    for (int h = 0; h < kHeads; ++h) {
        for (int c = 0; c < kColumns; ++c)
            warp_output[warp][h][c * warp_size + lane] = sum[h][c];
        if (lane == 0) {
            warp_largest[warp][h] = largest[h];
            warp_total[warp][h] = total[h];
        }
    }
    __syncthreads();
    for (int h = warp; h < kHeads && first_head + h < task.group; h += attention_warps) {
        float const sink = task.sinks ? static_cast<float>(task.sinks[group_head + h]) : -INFINITY;
        float top = sink;
        for (int w = 0; w < attention_warps; ++w)
            top = warp_largest[w][h] > top ? warp_largest[w][h] : top;
        float all = expf(sink - top);  // 0 without a sink
        for (int w = 0; w < attention_warps; ++w)
            all += warp_total[w][h] * expf(warp_largest[w][h] - top);  // a warp without keys adds 0
        for (int column = lane; column < d; column += warp_size) {
            float output = 0.0F;
            for (int w = 0; w < attention_warps; ++w)
                output += warp_output[w][h][column] * expf(warp_largest[w][h] - top);
            task.output[(row * task.num_heads + group_head + h) * d + column] = static_cast<T>(output / all);
        }
    }
}

// launch(kernel, grid, block, arguments ...); slots and positions are tensors of the device.
template <class Launch>
at::Tensor launch_cached_attention(Launch const& launch, CachedAttentionInput const& in, at::Tensor const& slots,
                                   at::Tensor const& positions) {
    std::int64_t const num_rows = in.q.size(0), num_heads = in.q.size(1), d = in.q.size(2), num_kv_heads = in.k.size(1),
                       group = num_heads / num_kv_heads;
    at::Tensor output = at::empty({num_rows, num_heads, d}, in.q.options());
    if (num_rows == 0) return output;
    for_stored_type(in.q.scalar_type(), [&](auto const* type) {
        using T = std::remove_cv_t<std::remove_pointer_t<decltype(type)>>;
        CachedAttentionTask<T> const task{in.q.const_data_ptr<T>(),
                                          in.q.stride(0),
                                          in.q.stride(1),
                                          in.k.const_data_ptr<T>(),
                                          in.v.const_data_ptr<T>(),
                                          in.k.stride(0),
                                          in.k.stride(1),
                                          slots.const_data_ptr<std::int64_t>(),
                                          positions.const_data_ptr<std::int64_t>(),
                                          in.window ? *in.window : 0,
                                          static_cast<float>(in.scale),
                                          in.sinks.defined() ? in.sinks.const_data_ptr<T>() : nullptr,
                                          output.data_ptr<T>(),
                                          static_cast<int>(num_heads),
                                          static_cast<int>(group),
                                          static_cast<int>(d)};
        auto const with = [&](auto heads, auto columns) {
            constexpr int num = decltype(heads)::value;
            dim3 const grid(static_cast<unsigned>(num_rows), static_cast<unsigned>(num_kv_heads),
                            static_cast<unsigned>((group + num - 1) / num));
            launch(cached_attention_kernel<T, num, decltype(columns)::value>, grid, dim3(attention_warps * warp_size),
                   task);
        };
        auto const with_columns = [&](auto heads) {
            if (d <= warp_size) {
                with(heads, std::integral_constant<int, 1>());
            } else if (d <= 2 * warp_size) {
                with(heads, std::integral_constant<int, 2>());
            } else if (d <= 4 * warp_size) {
                with(heads, std::integral_constant<int, 4>());
            } else {
                with(heads, std::integral_constant<int, most_lane_columns>());
            }
        };
        if (group == 1) {
            with_columns(std::integral_constant<int, 1>());
        } else {
            with_columns(std::integral_constant<int, 4>());
        }
    });
    return output;
}

}  // namespace gatesweep::cuda
