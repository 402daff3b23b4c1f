#include "gatesweep/harden/adapter_gradients.h"

#include "gatesweep/ops/gated.h"
#include "gatesweep/ops/outer_sum.h"

namespace gatesweep {

AdapterGradients::AdapterGradients(Adapter const& adapter, ModelConfig const& config, ParallelLayout const& layout)
    : adapter_(adapter), config_(config), layout_(layout) {}

void AdapterGradients::add(AdapterPlace const& place, LowRank const& pair, at::Tensor const& x,
                           at::Tensor const& d_output, std::int64_t source) {
    if (x.size(0) == 0) return;
    AdapterPair const& matrices = adapter_.pairs.at(place);
    Pair& to = pairs_[place];
    auto const zeros = [&](at::Tensor const& like) {
        std::vector<std::int64_t> shape = like.sizes().vec();
        shape.insert(shape.begin(), layout_.ep_size());
        return at::zeros(shape, at::kDouble);
    };
    if (!to.a.defined()) to = {zeros(matrices.a), zeros(matrices.b)};
    at::Tensor const d_inner = pair.inner_gradient(d_output);
    to.a[source].add_(outer_sum(d_inner, x).cpu());
    // The product is with B scaled.
    to.b[source].add_(outer_sum(d_output, pair.inner(x)).mul_(adapter_.scale()).cpu());
}

void AdapterGradients::add_experts(std::int64_t layer, ExpertWeights const& experts, LayerTape const& tape,
                                   AdapterTape const& adapter) {
    std::int64_t const first = layout_.local_experts(config_.num_experts).first, num_ranks = layout_.ep_size();
    std::int64_t const f = config_.intermediate_size;
    for (std::int64_t x = 0; x < std::ssize(experts.adapters); ++x) {
        ExpertAdapter const& pairs = experts.adapters[static_cast<std::size_t>(x)];
        for (std::int64_t source = 0; source < num_ranks; ++source) {
            auto const& offsets = tape.dispatch.source_offsets;
            auto const at = static_cast<std::size_t>(x * num_ranks + source);
            auto const rows = [&](at::Tensor const& all) { return all.slice(0, offsets[at], offsets[at + 1]); };
            auto const add_to = [&](std::optional<LowRank> const& pair, AdaptedMatrix matrix, at::Tensor const& in,
                                    at::Tensor const& d_out) {
                if (pair) add({layer, first + x, matrix}, *pair, in, d_out, source);
            };
            at::Tensor const inputs = rows(tape.expert_inputs), d_gate_up = rows(adapter.d_gate_up);
            add_to(pairs.w1, AdaptedMatrix::w1, inputs, d_gate_up.slice(1, 0, f));
            add_to(pairs.w3, AdaptedMatrix::w3, inputs, d_gate_up.slice(1, f));
            if (pairs.w2)
                add_to(pairs.w2, AdaptedMatrix::w2, gated(rows(tape.gate_up).contiguous(), experts.gate),
                       rows(adapter.d_expert_outputs));
        }
    }
}

void AdapterGradients::add_heads(std::int64_t layer, HeadAdapter const& heads, AdapterTape const& adapter) {
    std::int64_t const q = config_.num_heads * config_.head_dim, kv = config_.num_kv_heads * config_.head_dim;
    auto const add_to = [&](std::optional<LowRank> const& pair, AdaptedMatrix matrix, std::int64_t begin,
                            std::int64_t size) {
        if (!pair) return;
        add({layer, -1, matrix}, *pair, adapter.head_inputs, adapter.d_heads.narrow(1, begin, size), layout_.ep_rank());
    };
    add_to(heads.q, AdaptedMatrix::q_proj, 0, q);
    add_to(heads.k, AdaptedMatrix::k_proj, q, kv);
    add_to(heads.v, AdaptedMatrix::v_proj, q + kv, kv);
    if (heads.o)
        add({layer, -1, AdaptedMatrix::o_proj}, *heads.o, adapter.mixed, adapter.d_after_attention, layout_.ep_rank());
}

void AdapterGradients::on_adapter(std::int64_t layer, LayerWeights const& weights, LayerTape const& tape,
                                  AdapterTape const& adapter) {
    if (!weights.experts.adapters.empty()) add_experts(layer, weights.experts, tape, adapter);
    add_heads(layer, weights.head_adapter, adapter);
}

}  // namespace gatesweep
