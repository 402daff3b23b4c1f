#include <type_traits>
#include <vector>

#include "attention_row.h"
#include "gatesweep/model/attention.h"
#include "gatesweep/model/generic_ops.h"
#include "kernels.h"

namespace gatesweep {

using namespace kernels;

namespace {

// Rows [first, last] of one cached head in the compute type; others are not touched. A float32 cache is read in place.
template <class T>
compute_t<T> const* load_cached(T const* head, std::int64_t first, std::int64_t last, std::int64_t d,
                                std::vector<compute_t<T>>& scratch) {
    if constexpr (std::is_same_v<T, compute_t<T>>) {
        return head;
    } else {
        scratch.resize(static_cast<std::size_t>((last + 1) * d));
        load_row(head + first * d, scratch.data() + first * d, (last + 1 - first) * d);
        return scratch.data();
    }
}

}  // namespace

at::Tensor cached_attention(CachedAttentionInput const& in) {
    if (!in.q.is_cpu()) return generic::cached_attention(in);
    std::int64_t const num_heads = in.q.size(1), d = in.q.size(2), num_kv_heads = in.k.size(1), group = num_heads / num_kv_heads;
    at::Tensor output = at::empty({in.q.size(0), num_heads, d}, in.q.options());
    GATESWEEP_DISPATCH(in.q.scalar_type(), "cached_attention", [&] {
        using A = compute_t<scalar_t>;
        auto* out = output.data_ptr<scalar_t>();
        auto const *queries = in.q.const_data_ptr<scalar_t>(), *k = in.k.const_data_ptr<scalar_t>(),
                   *v = in.v.const_data_ptr<scalar_t>();
        for_each_row(in.q.size(0) * num_kv_heads, [&](std::int64_t task) {
            std::int64_t const i = task / num_kv_heads, kv_head = task % num_kv_heads, last = in.positions[i];
            std::int64_t const first = first_visible(in.window, last);
            std::vector<A> k_scratch, v_scratch, p(static_cast<std::size_t>(last + 1)), query(static_cast<std::size_t>(d)), row(query.size());
            std::int64_t const head_at = in.slots[i] * in.k.stride(0) + kv_head * in.k.stride(1);
            A const* const keys = load_cached(k + head_at, first, last, d, k_scratch);
            A const* const values = load_cached(v + head_at, first, last, d, v_scratch);
            for (std::int64_t h = kv_head * group; h < (kv_head + 1) * group; ++h) {
                load_row(queries + i * in.q.stride(0) + h * in.q.stride(1), query.data(), d);
                attend(query.data(), keys, values, d, first, last, A(in.scale), p.data(), row.data());
                scalar_t* const to = out + (i * num_heads + h) * d;
                for (std::int64_t c = 0; c < d; ++c) to[c] = static_cast<scalar_t>(row[c]);
            }
        });
    });
    return output;
}

}  // namespace gatesweep
