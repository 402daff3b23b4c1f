#include "gatesweep/model/mixtral.h"

#include <algorithm>
#include <utility>

#include "gatesweep/base/activity.h"
#include "gatesweep/model/next_token_loss.h"
#include "gatesweep/model/output_head.h"
#include "pass_steps.h"

namespace gatesweep {

Mixtral::Mixtral(ModelConfig config, Weights weights, ParallelLayout const& layout, std::int64_t max_tokens)
    : config_(std::move(config)),
      weights_(std::move(weights)),
      dispatcher_(layout, config_.num_experts, weights_.device()),
      rotary_(make_rotary_table(max_tokens, config_.head_dim, config_.rope_theta, weights_.embedding.options())) {}

at::Tensor Mixtral::embed(at::Tensor const& ids) const {
    return weights_.embedding.index_select(0, ids.to(weights_.device()));
}

std::vector<double> Mixtral::forward(PackedBatch const& batch, RoutingObserver& observer) const {
    LayerContext const context{config_, dispatcher_, rotary_, batch};
    at::Tensor hidden = embed(batch.ids);
    for (std::int64_t l = 0; l < config_.num_layers; ++l) {
        note_step();
        LayerTape tape;
        hidden = layer_forward(context, weights_.layers[l], hidden, tape);
        observer.on_routing(l, batch, tape.routing);
    }
    at::Tensor const normed = rms_norm(hidden, weights_.final_norm, config_.rms_norm_eps);
    return next_token_loss(normed, weights_.lm_head, batch.ids, batch.offsets, Gradient::none).losses;
}

std::vector<double> Mixtral::forward_backward(PackedBatch const& batch, RoutingObserver& observer, TapePolicy policy) const {
    LayerContext const context{config_, dispatcher_, rotary_, batch};
    std::vector<LayerTape> tapes(static_cast<std::size_t>(config_.num_layers));
    at::Tensor hidden = embed(batch.ids);
    for (std::int64_t l = 0; l < config_.num_layers; ++l) {
        note_step();
        LayerTape tape;
        hidden = layer_forward(context, weights_.layers[l], hidden, tape);
        observer.on_routing(l, batch, tape.routing);
        if (policy == TapePolicy::keep) {
            tapes[l] = std::move(tape);
        } else {
            tapes[l].input = tape.input;
        }
    }
    HeadGradient head = head_forward_backward(config_, weights_.final_norm, weights_.lm_head, batch, hidden);
    at::Tensor gradient = std::move(head.d_hidden);
    for (std::int64_t l = config_.num_layers - 1; l >= 0; --l) {
        note_step();
        LayerTape& tape = tapes[l];
        if (policy == TapePolicy::recompute) layer_forward(context, weights_.layers[l], at::Tensor(tape.input), tape);
        gradient = layer_step_back(context, weights_.layers[l], l, tape, gradient, observer);
        tape = LayerTape();
    }
    return std::move(head.losses);
}

BranchedHidden Mixtral::forward_branches(std::span<Stem const> stems, std::span<Branch const> branches, RouterEdits const& edits,
                                         KvCache* cache, std::span<std::int64_t const> slots) const {
    Lanes lanes(stems, branches, edits);
    at::Tensor hidden = embed(lanes.batch().ids);
    // Keys and values of a lane belong to all of its branches, also to those that leave it in a later layer.
    auto const store = [&](std::int64_t layer, LayerTape const& tape) {
        auto const& offsets = lanes.batch().offsets;
        for (std::size_t i = 0; i < lanes.lanes().size(); ++i) {
            at::Tensor const k = tape.k.slice(0, offsets[i], offsets[i + 1]), v = tape.v.slice(0, offsets[i], offsets[i + 1]);
            for (std::int64_t branch : lanes.lanes()[i].branches) cache->store_prefix(layer, slots[branch], k, v);
        }
    };
    for (std::int64_t l = 0; l < config_.num_layers; ++l) {
        note_step();
        std::vector<std::int64_t> const rows = lanes.split(l);
        if (!rows.empty()) hidden = hidden.index_select(0, at::tensor(rows, at::kLong).to(hidden.device()));
        std::vector<std::int32_t> const entries = lanes.entries(l);
        LayerTape tape;
        hidden = layer_forward({config_, dispatcher_, rotary_, lanes.batch()}, weights_.layers[l], hidden, tape, {&edits, entries});
        if (cache) store(l, tape);
    }
    return {rms_norm(hidden, weights_.final_norm, config_.rms_norm_eps), lanes.batch().offsets, lanes.lanes()};
}

std::vector<std::int32_t> Mixtral::decode(DecodeBatch const& batch, RouterEdits const& edits, KvCache& cache) const {
    at::Tensor const ids = at::empty({static_cast<std::int64_t>(batch.ids.size())}, at::kLong);
    std::copy(batch.ids.begin(), batch.ids.end(), ids.data_ptr<std::int64_t>());
    at::Tensor hidden = embed(ids);
    std::vector<std::int32_t> entries(batch.ids.size());
    std::vector<std::int64_t> const tokens_of_rank = dispatcher_.share_token_counts(ids.size(0));
    at::Tensor const all_finite = at::ones({}, hidden.options().dtype(at::kBool));
    DecodeContext const context{config_, dispatcher_, rotary_, cache, batch.slots, batch.positions, tokens_of_rank, all_finite};
    for (std::int64_t l = 0; l < config_.num_layers; ++l) {
        note_step();
        for (std::size_t i = 0; i < entries.size(); ++i) entries[i] = edits.entry(batch.variants[i], l, Phase::decode);
        hidden = layer_decode(context, weights_.layers[l], l, hidden, {&edits, entries});
    }
    dispatcher_.wait();
    validate_finite(all_finite);
    return greedy_tokens(rms_norm(hidden, weights_.final_norm, config_.rms_norm_eps), weights_.lm_head);
}

}  // namespace gatesweep
