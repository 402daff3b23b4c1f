#include "generic_ops.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "gatesweep/ops/cached_attention.h"
#include "gatesweep/ops/row_ops.h"
#include "up.h"

namespace gatesweep::generic {
namespace {

at::Tensor inverse_rms(at::Tensor const& x, double eps) {
    return up(x).square().mean(-1, true).add(eps).rsqrt();
}

// Softmax over a dimension of scores [H,n,n] or [H,n,1], where a head's sink is one more score, of no key.
at::Tensor softmax_with_sinks(at::Tensor const& scores, std::int64_t dim, at::Tensor const& sinks) {
    if (!sinks.defined()) return at::softmax(scores, dim);
    std::vector<std::int64_t> sizes = scores.sizes().vec();
    sizes[static_cast<std::size_t>(dim)] = 1;
    at::Tensor const more = sinks.to(scores.scalar_type()).view({-1, 1, 1}).expand(sizes);
    return at::softmax(at::cat({scores, more}, dim), dim).slice(dim, 0, -1);
}

// [H,n,n] probabilities of one sequence, in the compute type; keys and values with their heads repeated.
struct Sequence {
    at::Tensor q, k, v, p;  // [H,n,d], p [H,n,n]

    Sequence(AttentionInput const& in, std::int64_t s) {
        std::int64_t const group = in.q.size(1) / in.k.size(1);
        auto const rows = [&](at::Tensor const& x) {
            return up(x.slice(0, in.offsets[s], in.offsets[s + 1])).transpose(0, 1);
        };
        q = rows(in.q);
        k = rows(in.k).repeat_interleave(group, 0);
        v = rows(in.v).repeat_interleave(group, 0);
        std::int64_t const n = q.size(1);
        at::Tensor const i = at::arange(n, q.options().dtype(at::kLong)).unsqueeze(1);
        at::Tensor const j = i.transpose(0, 1);
        at::Tensor hidden = j.gt(i);
        if (in.window) hidden = hidden.logical_or(j.le(i - *in.window));
        at::Tensor const scores = at::matmul(q, k.transpose(1, 2)) * in.scale;
        p = softmax_with_sinks(scores.masked_fill(hidden, -std::numeric_limits<double>::infinity()), 2, in.sinks);
    }
};

// Sums the gradients of repeated heads: [H,n,d] -> [n,Hkv,d].
at::Tensor fold_heads(at::Tensor const& x, std::int64_t num_kv_heads) {
    return x.view({num_kv_heads, -1, x.size(1), x.size(2)}).sum(1).transpose(0, 1);
}

}  // namespace

at::Tensor rms_norm(at::Tensor const& x, at::Tensor const& weight, double eps) {
    return (up(x) * inverse_rms(x, eps)).to(x.scalar_type()) * weight;
}

at::Tensor rms_norm_backward(at::Tensor const& dy, at::Tensor const& x, at::Tensor const& weight, double eps) {
    at::Tensor const scale = inverse_rms(x, eps), g = up(dy) * up(weight), wide = up(x);
    return ((g - wide * (g * wide).mean(-1, true) * scale.square()) * scale).to(x.scalar_type());
}

// A few rows at a time: squares in float64 take four times the room of bfloat16.
at::Tensor row_lengths(at::Tensor const& x) {
    constexpr std::int64_t max_bytes = std::int64_t{256} << 20;
    std::int64_t const chunk = std::max<std::int64_t>(1, max_bytes / (8 * x.size(1)));
    at::Tensor const lengths = at::empty({x.size(0)}, x.options().dtype(at::kDouble));
    for (std::int64_t begin = 0; begin < x.size(0); begin += chunk) {
        std::int64_t const end = std::min(begin + chunk, x.size(0));
        lengths.slice(0, begin, end).copy_(row_sums(x.slice(0, begin, end).to(at::kDouble).square()).sqrt());
    }
    return lengths;
}

at::Tensor layer_norm(at::Tensor const& x, at::Tensor const& weight, at::Tensor const& bias, double eps) {
    at::Tensor const centred = up(x) - up(x).mean(-1, true);
    return (centred * inverse_rms(centred, eps) * up(weight) + up(bias)).to(x.scalar_type());
}

at::Tensor layer_norm_backward(at::Tensor const& dy, at::Tensor const& x, at::Tensor const& weight, double eps) {
    at::Tensor const centred = up(x) - up(x).mean(-1, true), scale = inverse_rms(centred, eps);
    at::Tensor const g = up(dy) * up(weight), along = (g * centred).mean(-1, true) * scale.square();
    return ((g - g.mean(-1, true) - centred * along) * scale).to(x.scalar_type());
}

at::Tensor swiglu(at::Tensor const& gate_up) {
    auto const parts = gate_up.chunk(2, -1);
    return at::silu(parts[0]) * parts[1];
}

at::Tensor swiglu_backward(at::Tensor const& d_activation, at::Tensor const& gate_up) {
    auto const parts = gate_up.chunk(2, -1);
    at::Tensor const g = up(parts[0]), s = at::sigmoid(g), d = up(d_activation);
    at::Tensor const d_gate = d * up(parts[1]) * s * (1 + g * (1 - s));
    return at::cat({d_gate.to(gate_up.scalar_type()), (d * up(at::silu(parts[0]))).to(gate_up.scalar_type())}, -1);
}

at::Tensor clamped_gate(at::Tensor const& gate_up, GateRule const& rule) {
    auto const parts = gate_up.chunk(2, -1);
    at::Tensor const g = parts[0].clamp_max(*rule.limit), u = parts[1].clamp(-*rule.limit, *rule.limit);
    return (u + 1) * (g * at::sigmoid(g * rule.alpha));
}

at::Tensor clamped_gate_backward(at::Tensor const& d_activation, at::Tensor const& gate_up, GateRule const& rule) {
    auto const parts = up(gate_up).chunk(2, -1);
    at::Tensor const d = up(d_activation);
    at::Tensor const g = parts[0].clamp_max(*rule.limit), u = parts[1].clamp(-*rule.limit, *rule.limit);
    at::Tensor const s = at::sigmoid(g * rule.alpha);
    at::Tensor const d_gate = d * (u + 1) * s * (1 + rule.alpha * g * (1 - s)), d_up = d * (g * s);
    return at::cat({d_gate.masked_fill(parts[0].gt(*rule.limit), 0.0),
                    d_up.masked_fill(parts[1].abs().gt(*rule.limit), 0.0)},
                   -1)
        .to(gate_up.scalar_type());
}

void rotate_heads(at::Tensor x, at::Tensor const& positions, RotaryTable const& table, Rotation rotation) {
    at::Tensor const where = positions.to(x.device());
    at::Tensor const cos = table.cos.index_select(0, where).unsqueeze(1);
    at::Tensor sin = table.sin.index_select(0, where).unsqueeze(1);
    if (rotation == Rotation::inverse) sin = -sin;
    auto const halves = x.chunk(2, -1);
    at::Tensor const rotated = at::cat({halves[0] * cos - halves[1] * sin, halves[1] * cos + halves[0] * sin}, -1);
    x.copy_(rotated);
}

at::Tensor attention(AttentionInput const& in) {
    at::Tensor output = at::empty({in.q.size(0), in.q.size(1), in.q.size(2)}, in.q.options());
    for (std::size_t s = 0; s + 1 < in.offsets.size(); ++s) {
        Sequence const sequence(in, static_cast<std::int64_t>(s));
        output.slice(0, in.offsets[s], in.offsets[s + 1]).copy_(at::matmul(sequence.p, sequence.v).transpose(0, 1));
    }
    return output;
}

at::Tensor cached_attention(CachedAttentionInput const& in) {
    std::int64_t const group = in.q.size(1) / in.k.size(1);
    std::vector<at::Tensor> rows;
    for (std::int64_t i = 0; i < in.q.size(0); ++i) {
        std::int64_t const last = in.positions[i],
                           first = in.window ? std::max<std::int64_t>(0, last - *in.window + 1) : 0;
        auto const cached = [&](at::Tensor const& x) {
            return up(x[in.slots[i]].slice(1, first, last + 1)).repeat_interleave(group, 0);
        };
        at::Tensor const scores = at::matmul(cached(in.k), up(in.q[i]).unsqueeze(-1)) * in.scale;  // [H,n,1]
        rows.push_back((softmax_with_sinks(scores, 1, in.sinks) * cached(in.v)).sum(1).to(in.q.scalar_type()));
    }
    return rows.empty() ? at::empty_like(in.q) : at::stack(rows);
}

AttentionGradient attention_backward(AttentionInput const& in, at::Tensor const& d_output) {
    AttentionGradient gradient{at::empty(in.q.sizes(), in.q.options()), at::empty(in.k.sizes(), in.k.options()),
                               at::empty(in.v.sizes(), in.v.options())};
    std::int64_t const num_kv_heads = in.k.size(1);
    for (std::size_t s = 0; s + 1 < in.offsets.size(); ++s) {
        if (in.offsets[s] == in.offsets[s + 1]) continue;
        Sequence const sequence(in, static_cast<std::int64_t>(s));
        std::int64_t const begin = in.offsets[s], end = in.offsets[s + 1];
        at::Tensor const g = up(d_output.slice(0, begin, end)).transpose(0, 1);
        at::Tensor const dp = at::matmul(g, sequence.v.transpose(1, 2));
        at::Tensor const ds = sequence.p * (dp - (sequence.p * dp).sum(-1, true)) * in.scale;
        gradient.dq.slice(0, begin, end).copy_(at::matmul(ds, sequence.k).transpose(0, 1));
        gradient.dk.slice(0, begin, end).copy_(fold_heads(at::matmul(ds.transpose(1, 2), sequence.q), num_kv_heads));
        gradient.dv.slice(0, begin, end).copy_(fold_heads(at::matmul(sequence.p.transpose(1, 2), g), num_kv_heads));
    }
    return gradient;
}

at::Tensor greedy_tokens(at::Tensor const& logits) {
    return logits.argmax(-1);
}

at::Tensor log_probabilities(at::Tensor const& logits) {
    return at::log_softmax(logits.to(at::kDouble), -1);
}

at::Tensor text_scores(at::Tensor const& logits, at::Tensor const& reference_log_p, at::Tensor const& targets) {
    at::Tensor const log_p = generic::log_probabilities(logits).to(at::kFloat);
    at::Tensor const nll = -log_p.gather(1, targets.unsqueeze(1)).squeeze(1).to(at::kDouble);
    at::Tensor const kl = row_sums(reference_log_p.exp().to(at::kDouble) * (reference_log_p - log_p).to(at::kDouble));
    return at::stack({nll, kl}, 1);
}

at::Tensor cross_entropy_in_place(at::Tensor logits, at::Tensor const& targets, at::Tensor const& scale) {
    at::Tensor const log_p = at::log_softmax(logits, -1);
    at::Tensor const where = targets.to(logits.device()).unsqueeze(1);
    at::Tensor const loss = -log_p.gather(1, where).squeeze(1).to(at::kDouble);
    logits.copy_(log_p.exp());
    logits.scatter_add_(1, where, at::full_like(where, -1, logits.options()));
    logits.mul_(scale.to(logits.options()).unsqueeze(1));
    return loss;
}

}  // namespace gatesweep::generic
