#include "gatesweep/ops/cached_attention.h"

#include <algorithm>
#include <vector>

#include "device_ops.h"
#include "gatesweep/ops/attention.h"
#include "ops/cpu/head_attention.h"
#include "ops/cpu/head_sinks.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/row_loops.h"
#include "ops/cpu/tasks.h"

namespace gatesweep {

using namespace kernels;

namespace {

struct Buffers {
    std::vector<float> keys, values, queries, out;
};

}  // namespace

at::Tensor cached_attention(CachedAttentionInput const& in) {
    if (!has_loops(in.q)) return device::cached_attention(in);
    HeadSinks const sinks(in.sinks);
    std::int64_t const num_heads = in.q.size(1), d = in.q.size(2), num_kv_heads = in.k.size(1),
                       group = num_heads / num_kv_heads;
    at::Tensor output = at::empty({in.q.size(0), num_heads, d}, in.q.options());
    std::int64_t work = 0;
    for (std::int64_t position : in.positions)
        work += 2 * (position + 1) * num_heads * d;
    GATESWEEP_DISPATCH(in.q.scalar_type(), "cached_attention", [&] {
        auto* const out = output.data_ptr<scalar_t>();
        auto const *queries = in.q.const_data_ptr<scalar_t>(), *k = in.k.const_data_ptr<scalar_t>(),
                   *v = in.v.const_data_ptr<scalar_t>();
        for_each_task(in.q.size(0) * num_kv_heads, work, [&](std::int64_t task) {
            static thread_local HeadAttention head;
            static thread_local Buffers b;
            std::int64_t const i = task / num_kv_heads, kv_head = task % num_kv_heads, last = in.positions[i];
            // From where a block of keys begins, so that lanes stand as in prefill.
            std::int64_t const first = first_visible(in.window, last) / gemm::panel_columns * gemm::panel_columns;
            std::int64_t const num_keys = last + 1 - first,
                               at = in.slots[i] * in.k.stride(0) + kv_head * in.k.stride(1) + first * d;
            b.keys.resize(static_cast<std::size_t>(num_keys * d));
            b.values.resize(b.keys.size());
            widen_row(bits(k + at), b.keys.data(), num_keys * d);
            widen_row(bits(v + at), b.values.data(), num_keys * d);
            head.set_keys(b.keys.data(), b.values.data(), num_keys, d);
            b.queries.resize(static_cast<std::size_t>(group * d));
            b.out.resize(b.queries.size());
            for (std::int64_t h = 0; h < group; ++h)
                widen_row(bits(queries + i * in.q.stride(0) + (kv_head * group + h) * in.q.stride(1)),
                          b.queries.data() + h * d, d);
            for (std::int64_t h = 0; h < group; h += head.max_rows()) {
                head.attend(b.queries.data() + h * d, std::min(head.max_rows(), group - h),
                            {last - first, 0, in.window}, sinks.rule(in.scale, kv_head * group + h, 1),
                            b.out.data() + h * d);
            }
            narrow_row(b.out.data(), bits(out + (i * num_heads + kv_head * group) * d), group * d);
        });
    });
    return output;
}

}  // namespace gatesweep
