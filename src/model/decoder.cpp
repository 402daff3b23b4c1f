#include "gatesweep/model/decoder.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "gatesweep/base/activity.h"
#include "gatesweep/base/error.h"
#include "gatesweep/ops/next_token_loss.h"
#include "gatesweep/ops/output_head.h"
#include "gatesweep/ops/upload.h"
#include "lane_store.h"
#include "norms.h"
#include "pass_steps.h"

namespace gatesweep {

Decoder::Decoder(ModelConfig config, Weights weights, ParallelLayout const& layout, std::int64_t max_tokens)
    : config_(std::move(config)),
      weights_(std::move(weights)),
      dispatcher_(layout, config_.num_experts, weights_.device()),
      rotary_(make_rotary_table(max_tokens, config_.rotary_dim(), config_.rope_theta, weights_.embedding.options(),
                                config_.rope_scaling)) {}

at::Tensor Decoder::embed(at::Tensor const& ids) const {
    return weights_.embedding.index_select(0, ids.to(weights_.device()));
}

void Decoder::adapt(std::vector<LayerAdapter> const& layers) {
    for (std::size_t l = 0; l < weights_.layers.size(); ++l) {
        LayerAdapter const layer = layers.empty() ? LayerAdapter() : layers[l];
        weights_.layers[l].experts.adapters = layer.experts;
        weights_.layers[l].head_adapter = layer.heads;
    }
}

at::Tensor Decoder::hidden(PackedBatch const& prompts, RoutingObserver& observer) const {
    PackedBatch const batch = placed(prompts, weights_.device());
    LayerContext const context{config_, dispatcher_, rotary_, batch};
    at::Tensor hidden = embed(batch.ids);
    std::int64_t row = 0;
    for (std::int64_t l = 0; l < config_.num_layers; ++l) {
        note_step();
        LayerTape tape;
        hidden = layer_forward(context, weights_.layers[l], hidden, tape);
        if (tape.is_routed()) observer.on_routing(row++, batch, tape.routing);
        observer.on_layer(l, weights_.layers[l], tape);
    }
    return normed(hidden, weights_.final_norm, weights_.final_norm_bias, config_.rms_norm_eps);
}

std::vector<double> Decoder::forward(PackedBatch const& batch, RoutingObserver& observer) const {
    return next_token_loss(hidden(batch, observer), weights_.lm_head, batch.ids, batch.offsets, Gradient::none).losses;
}

std::vector<double> Decoder::forward_backward(PackedBatch const& batch, RoutingObserver& observer,
                                              TapePolicy policy) const {
    ObservedBatch const one{batch, &observer};
    return forward_backward(std::span(&one, 1), policy).front();
}

std::vector<std::vector<double>> Decoder::forward_backward(std::span<ObservedBatch const> batches,
                                                           TapePolicy policy) const {
    std::vector<BatchUnderWay> under_way;
    for (ObservedBatch const& b : batches)
        under_way.push_back({.batch = placed(b.batch, weights_.device()),
                             .observer = b.observer,
                             .current = embed(b.batch.ids),
                             .anchor = b.anchor});
    std::vector<std::vector<LayerTape>> kept;  // by layer and batch
    LayerSteps const steps(config_, dispatcher_, rotary_);
    for (std::int64_t l = 0; l < config_.num_layers; ++l) {
        note_step();
        steps.forth(under_way, weights_.layers[l], l);
        kept.emplace_back();
        for (BatchUnderWay& b : under_way) {
            LayerTape tape = std::exchange(b.tape, {});
            kept.back().push_back(policy == TapePolicy::keep ? std::move(tape) : LayerTape{.input = tape.input});
        }
    }
    std::vector<std::vector<double>> losses;
    for (std::size_t i = 0; i < under_way.size(); ++i) {
        BatchUnderWay& b = under_way[i];
        HeadGradient head =
            head_forward_backward(config_, {weights_.final_norm, weights_.final_norm_bias, weights_.lm_head},
                                  {b.batch, b.observer, batches[i].openings, batches[i].loss}, b.current);
        losses.push_back(std::move(head.losses));
        b.current = std::move(head.d_hidden);
        b.margin = std::move(head.d_margin);
    }
    std::int64_t lowest = steps.lowest_router();
    while (batches.front().only_adapters && !weights_.layers[lowest].has_adapter())
        ++lowest;
    for (std::int64_t l = config_.num_layers - 1; l >= lowest; --l) {
        note_step();
        for (std::size_t i = 0; i < under_way.size(); ++i)
            under_way[i].tape = std::move(kept.back()[i]);
        kept.pop_back();
        if (policy == TapePolicy::recompute) steps.again(under_way, weights_.layers[l]);
        steps.back(under_way, weights_.layers[l], l);
    }
    return losses;
}

BranchedHidden Decoder::forward_branches(std::span<Stem const> stems, std::span<Branch const> branches,
                                         RouterEdits const& edits, KvCache* cache, std::span<std::int64_t const> slots,
                                         RoutingObserver* observer) const {
    at::Device const device = weights_.device();
    Lanes lanes(stems, branches, edits);
    PackedBatch batch = placed(lanes.batch(), device);
    at::Tensor hidden = embed(batch.ids);
    std::optional<LaneStore> store;
    if (cache) store.emplace(*cache, slots, device);
    RowEditTensors on_device;
    if (!device.is_cpu()) on_device = edit_table(edits, device);
    std::int64_t row = 0;
    for (std::int64_t l = 0; l < config_.num_layers; ++l) {
        note_step();
        std::vector<std::int64_t> const rows = lanes.split(l);
        if (!rows.empty()) {
            hidden = hidden.index_select(0, upload<std::int64_t>(rows, device));
            batch = placed(lanes.batch(), device);
        }
        std::vector<std::int32_t> const entries = lanes.entries(l);
        if (!device.is_cpu()) on_device.entries = upload<std::int32_t>(entries, device);
        LayerTape tape;
        hidden = layer_forward({config_, dispatcher_, rotary_, batch}, weights_.layers[l], hidden, tape,
                               {&edits, entries, device.is_cpu() ? nullptr : &on_device});
        if (store) store->layer(l, lanes, !rows.empty(), tape);
        if (observer && tape.is_routed()) observer->on_routing(row++, batch, tape.routing);
    }
    return {normed(hidden, weights_.final_norm, weights_.final_norm_bias, config_.rms_norm_eps), lanes.batch().offsets,
            lanes.lanes()};
}

DecodeInputs Decoder::decode_inputs(DecodeBatch const& batch, RouterEdits const& edits) const {
    at::Device const device = weights_.device();
    DecodeInputs in;
    in.ids = upload<std::int32_t>(batch.ids, device);
    in.slots = upload<std::int64_t>(batch.slots, device);
    in.positions = upload<std::int64_t>(batch.positions, device);
    for (std::int64_t l = 0; l < config_.num_layers; ++l) {
        for (std::int32_t variant : batch.variants)
            in.entries.push_back(edits.entry(variant, l, Phase::decode));
    }
    if (device.is_cpu()) return in;
    in.table = edit_table(edits, device);
    in.entries_on_device = upload<std::int32_t>(in.entries, device).view({config_.num_layers, -1});
    return in;
}

at::Tensor Decoder::decode_hidden(DecodeBatch const& batch, DecodeInputs const& in, RouterEdits const& edits,
                                  KvCache& cache, at::Tensor const& all_finite) const {
    GATESWEEP_EXPECT(
        std::all_of(batch.positions.begin(), batch.positions.end(), [&](auto p) { return p < cache.capacity(); }));
    std::size_t const n = batch.ids.size();
    at::Tensor hidden = embed(in.ids);
    std::vector<std::int64_t> const tokens_of_rank = dispatcher_.share_token_counts(std::ssize(batch.ids));
    DecodeContext const context{config_,         dispatcher_, rotary_,      cache,          batch.slots,
                                batch.positions, in.slots,    in.positions, tokens_of_rank, all_finite};
    RowEditTensors on_device = in.table;
    for (std::int64_t l = 0; l < config_.num_layers; ++l) {
        note_step();
        RowEdits row_edits{&edits, std::span(in.entries).subspan(static_cast<std::size_t>(l) * n, n)};
        if (in.entries_on_device.defined()) {
            on_device.entries = in.entries_on_device[l];
            row_edits.on_device = &on_device;
        }
        hidden = layer_decode(context, weights_.layers[l], l, hidden, row_edits);
    }
    return normed(hidden, weights_.final_norm, weights_.final_norm_bias, config_.rms_norm_eps);
}

std::vector<std::int32_t> Decoder::decode(DecodeBatch const& batch, RouterEdits const& edits, KvCache& cache) const {
    at::Tensor const all_finite = at::ones({}, weights_.embedding.options().dtype(at::kBool));
    at::Tensor const hidden = decode_hidden(batch, decode_inputs(batch, edits), edits, cache, all_finite);
    dispatcher_.wait();
    validate_finite(all_finite);
    return greedy_tokens(hidden, weights_.lm_head);
}

}  // namespace gatesweep
