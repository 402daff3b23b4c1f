#include "gatesweep/model/attention.h"

#include <algorithm>
#include <vector>

#include "attention_row.h"
#include "gatesweep/model/generic_ops.h"
#include "kernels.h"

namespace gatesweep {

using namespace kernels;

namespace {

// Keys, values and a scratch row of one key/value head of one sequence, in the compute type.
template <class T>
struct HeadView {
    using A = compute_t<T>;
    std::int64_t begin, length, d;
    std::vector<A> k, v;  // [length, d]

    HeadView(AttentionInput const& in, std::int64_t sequence, std::int64_t kv_head)
        : begin(in.offsets[sequence]), length(in.offsets[sequence + 1] - begin), d(in.q.size(2)) {
        k = load(in.k, kv_head);
        v = load(in.v, kv_head);
    }

    std::vector<A> load(at::Tensor const& x, std::int64_t head) const {
        std::vector<A> rows(static_cast<std::size_t>(length * d));
        T const* data = x.const_data_ptr<T>() + begin * x.stride(0) + head * x.stride(1);
        for (std::int64_t i = 0; i < length; ++i) load_row(data + i * x.stride(0), rows.data() + i * d, d);
        return rows;
    }

};

// One task per (sequence, key/value head): its outputs are nobody else's.
template <class T, class Body>
void for_each_head(AttentionInput const& in, Body const& body) {
    std::int64_t const num_kv_heads = in.k.size(1);
    std::int64_t const num_sequences = static_cast<std::int64_t>(in.offsets.size()) - 1;
    for_each_row(num_sequences * num_kv_heads, [&](std::int64_t task) {
        HeadView<T> const head(in, task / num_kv_heads, task % num_kv_heads);
        if (head.length > 0) body(head, task % num_kv_heads);
    });
}

}  // namespace

at::Tensor attention(AttentionInput const& in) {
    if (!in.q.is_cpu()) return generic::attention(in);
    std::int64_t const num_heads = in.q.size(1), d = in.q.size(2), group = num_heads / in.k.size(1);
    at::Tensor output = at::empty({in.q.size(0), num_heads, d}, in.q.options());
    GATESWEEP_DISPATCH(in.q.scalar_type(), "attention", [&] {
        using A = compute_t<scalar_t>;
        auto* out = output.data_ptr<scalar_t>();
        for_each_head<scalar_t>(in, [&](HeadView<scalar_t> const& head, std::int64_t kv_head) {
            std::vector<A> p(static_cast<std::size_t>(head.length)), row(static_cast<std::size_t>(d));
            for (std::int64_t h = kv_head * group; h < (kv_head + 1) * group; ++h) {
                auto const q = head.load(in.q, h);
                for (std::int64_t i = 0; i < head.length; ++i) {
                    std::int64_t const first = first_visible(in.window, i);
                    attend(q.data() + i * d, head.k.data(), head.v.data(), d, first, i, A(in.scale), p.data(), row.data());
                    scalar_t* to = out + ((head.begin + i) * num_heads + h) * d;
                    for (std::int64_t c = 0; c < d; ++c) to[c] = static_cast<scalar_t>(row[c]);
                }
            }
        });
    });
    return output;
}

AttentionGradient attention_backward(AttentionInput const& in, at::Tensor const& d_output) {
    if (!in.q.is_cpu()) return generic::attention_backward(in, d_output);
    std::int64_t const num_heads = in.q.size(1), d = in.q.size(2), num_kv_heads = in.k.size(1), group = num_heads / num_kv_heads;
    AttentionGradient gradient{at::empty(in.q.sizes(), in.q.options()), at::empty(in.k.sizes(), in.k.options()),
                               at::empty(in.v.sizes(), in.v.options())};
    GATESWEEP_DISPATCH(in.q.scalar_type(), "attention_backward", [&] {
        using A = compute_t<scalar_t>;
        auto *dq = gradient.dq.data_ptr<scalar_t>(), *dk = gradient.dk.data_ptr<scalar_t>(),
             *dv = gradient.dv.data_ptr<scalar_t>();
        for_each_head<scalar_t>(in, [&](HeadView<scalar_t> const& head, std::int64_t kv_head) {
            std::size_t const size = static_cast<std::size_t>(head.length * d);
            std::vector<A> dk_sum(size), dv_sum(size), p(static_cast<std::size_t>(head.length)), dp(p.size());
            std::vector<A> dq_row(static_cast<std::size_t>(d));
            for (std::int64_t h = kv_head * group; h < (kv_head + 1) * group; ++h) {
                auto const q = head.load(in.q, h), grad = head.load(d_output, h);
                for (std::int64_t i = 0; i < head.length; ++i) {
                    std::int64_t const first = first_visible(in.window, i);
                    A const *query = q.data() + i * d, *g = grad.data() + i * d;
                    softmax_over_keys(query, head.k.data(), d, first, i, A(in.scale), p.data());
                    A mean = 0;  // sum_j p_j dp_j, the part that softmax takes out
                    for (std::int64_t j = first; j <= i; ++j) {
                        dp[j] = dot(g, head.v.data() + j * d, d);
                        mean += p[j] * dp[j];
                    }
                    std::fill(dq_row.begin(), dq_row.end(), A(0));
                    for (std::int64_t j = first; j <= i; ++j) {
                        A const ds = p[j] * (dp[j] - mean) * A(in.scale);
                        axpy(ds, head.k.data() + j * d, dq_row.data(), d);
                        axpy(ds, query, dk_sum.data() + j * d, d);
                        axpy(p[j], g, dv_sum.data() + j * d, d);
                    }
                    scalar_t* to = dq + ((head.begin + i) * num_heads + h) * d;
                    for (std::int64_t c = 0; c < d; ++c) to[c] = static_cast<scalar_t>(dq_row[c]);
                }
            }
            for (std::int64_t i = 0; i < head.length; ++i) {
                std::int64_t const to = ((head.begin + i) * num_kv_heads + kv_head) * d;
                for (std::int64_t c = 0; c < d; ++c) {
                    dk[to + c] = static_cast<scalar_t>(dk_sum[i * d + c]);
                    dv[to + c] = static_cast<scalar_t>(dv_sum[i * d + c]);
                }
            }
        });
    });
    return gradient;
}

}  // namespace gatesweep
