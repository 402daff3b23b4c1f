#include "gatesweep/ops/attention.h"

#include <algorithm>
#include <vector>

#include "device_ops.h"
#include "ops/cpu/head_attention.h"
#include "ops/cpu/head_attention_gradient.h"
#include "ops/cpu/head_sinks.h"
#include "ops/cpu/kernels.h"
#include "ops/cpu/row_loops.h"
#include "ops/cpu/tasks.h"

namespace gatesweep {

using namespace kernels;

namespace {

// One task per (sequence, key/value head): its outputs are nobody else's.
struct Task {
    std::int64_t begin, length, kv_head;
};

template <class Body>
void for_each_head(AttentionInput const& in, Body const& body) {
    std::int64_t const num_kv_heads = in.k.size(1);
    std::int64_t work = 0;
    for (std::size_t s = 0; s + 1 < in.offsets.size(); ++s) {
        std::int64_t const n = in.offsets[s + 1] - in.offsets[s];
        work += n * n * in.q.size(1) * in.q.size(2);
    }
    for_each_task((std::ssize(in.offsets) - 1) * num_kv_heads, work, [&](std::int64_t task) {
        std::int64_t const sequence = task / num_kv_heads, begin = in.offsets[sequence];
        Task const head{begin, in.offsets[sequence + 1] - begin, task % num_kv_heads};
        if (head.length > 0) body(head);
    });
}

// [length, d] of one head.
template <class T>
void load(at::Tensor const& x, Task const& task, std::int64_t head, std::vector<float>& to) {
    std::int64_t const d = x.size(2);
    to.resize(static_cast<std::size_t>(task.length * d));
    T const* const data = x.const_data_ptr<T>() + task.begin * x.stride(0) + head * x.stride(1);
    for (std::int64_t i = 0; i < task.length; ++i)
        widen_row(bits(data + i * x.stride(0)), to.data() + i * d, d);
}

template <class T>
void store(std::vector<float> const& rows, Task const& task, std::int64_t head, at::Tensor const& x) {
    std::int64_t const d = x.size(2);
    T* const data = x.data_ptr<T>() + task.begin * x.stride(0) + head * x.stride(1);
    for (std::int64_t i = 0; i < task.length; ++i)
        narrow_row(rows.data() + i * d, bits(data + i * x.stride(0)), d);
}

// Of one thread, kept from head to head.
struct Buffers {
    std::vector<float> k, v, q, d_out, out, d_v;
};

}  // namespace

at::Tensor attention(AttentionInput const& in) {
    if (!has_loops(in.q)) return device::attention(in);
    HeadSinks const sinks(in.sinks);
    std::int64_t const d = in.q.size(2), group = in.q.size(1) / in.k.size(1);
    at::Tensor output = at::empty({in.q.size(0), in.q.size(1), d}, in.q.options());
    GATESWEEP_DISPATCH(in.q.scalar_type(), "attention", [&] {
        for_each_head(in, [&](Task const& task) {
            static thread_local HeadAttention head;
            static thread_local Buffers b;
            load<scalar_t>(in.k, task, task.kv_head, b.k);
            load<scalar_t>(in.v, task, task.kv_head, b.v);
            head.set_keys(b.k.data(), b.v.data(), task.length, d);
            b.out.resize(b.k.size());
            for (std::int64_t h = task.kv_head * group; h < (task.kv_head + 1) * group; ++h) {
                load<scalar_t>(in.q, task, h, b.q);
                for (std::int64_t i = 0; i < task.length; i += head.max_rows()) {
                    std::int64_t const rows = std::min(head.max_rows(), task.length - i);
                    head.attend(b.q.data() + i * d, rows, {i, 1, in.window}, sinks.rule(in.scale, h, 0),
                                b.out.data() + i * d);
                }
                store<scalar_t>(b.out, task, h, output);
            }
        });
    });
    return output;
}

AttentionGradient attention_backward(AttentionInput const& in, at::Tensor const& d_output) {
    if (!has_loops(in.q)) return device::attention_backward(in, d_output);
    HeadSinks const sinks(in.sinks);
    std::int64_t const d = in.q.size(2), group = in.q.size(1) / in.k.size(1);
    AttentionGradient gradient{at::empty(in.q.sizes(), in.q.options()), at::empty(in.k.sizes(), in.k.options()),
                               at::empty(in.v.sizes(), in.v.options())};
    GATESWEEP_DISPATCH(in.q.scalar_type(), "attention_backward", [&] {
        for_each_head(in, [&](Task const& task) {
            static thread_local HeadAttentionGradient head;
            static thread_local Buffers b;
            load<scalar_t>(in.k, task, task.kv_head, b.k);
            load<scalar_t>(in.v, task, task.kv_head, b.v);
            head.set_keys(b.k.data(), b.v.data(), task.length, d);
            b.out.resize(b.k.size());
            b.d_v.resize(b.k.size());
            for (std::int64_t h = task.kv_head * group; h < (task.kv_head + 1) * group; ++h) {
                load<scalar_t>(in.q, task, h, b.q);
                load<scalar_t>(d_output, task, h, b.d_out);
                head.add_head(b.q.data(), b.d_out.data(), in.window, sinks.rule(in.scale, h, 0), b.out.data());
                store<scalar_t>(b.out, task, h, gradient.dq);
            }
            head.take(b.out.data(), b.d_v.data());
            store<scalar_t>(b.out, task, task.kv_head, gradient.dk);
            store<scalar_t>(b.d_v, task, task.kv_head, gradient.dv);
        });
    });
    return gradient;
}

}  // namespace gatesweep
