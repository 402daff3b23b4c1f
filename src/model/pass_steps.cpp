#include "pass_steps.h"

#include <algorithm>
#include <utility>

#include "gatesweep/ops/next_token_loss.h"
#include "norms.h"

namespace gatesweep {

HeadGradient head_forward_backward(ModelConfig const& config, OutputHead const& head, ObservedBatch const& observed,
                                   at::Tensor const& hidden) {
    PackedBatch const& batch = observed.batch;
    auto const to_hidden = [&](at::Tensor const& d_normed) {
        return normed_backward(d_normed, hidden, head.final_norm, head.final_norm_bias, config.rms_norm_eps);
    };
    at::Tensor const rows = normed(hidden, head.final_norm, head.final_norm_bias, config.rms_norm_eps);
    NextTokenLoss loss = observed.loss
                             ? observed.loss(rows)
                             : next_token_loss(rows, head.lm_head, batch.ids, batch.offsets, Gradient::hidden);
    HeadGradient result{std::move(loss.losses), to_hidden(loss.d_hidden), {}};
    if (observed.openings)
        result.d_margin = to_hidden(opening_margin(rows, head.lm_head, batch.offsets, *observed.openings).d_hidden);
    return result;
}

namespace {

// Gradient to the router logits [T,E] of how far they have moved; adds up how far.
at::Tensor anchor_gradient(RouteAnchor& anchor, std::int64_t row, LayerWeights const& weights, LayerTape const& tape) {
    at::Tensor const& base = anchor.base[static_cast<std::size_t>(row)];
    at::Tensor const now = router_logits(weights, tape.router_input).to(base.scalar_type()).softmax(1);
    at::Tensor const pulled = (base * (base.log() - now.log())).nan_to_num(0.0).to(at::kDouble).cpu().contiguous();
    auto const* value = pulled.const_data_ptr<double>();
    for (std::int64_t i = 0; i < pulled.numel(); ++i)  // in one order
        anchor.divergence += value[i];
    return (now - base).mul_(anchor.weight);
}

}  // namespace

LayerSteps::LayerSteps(ModelConfig const& config, TokenDispatcher const& dispatcher, RotaryTable const& rotary)
    : config_(config), dispatcher_(dispatcher), rotary_(rotary), sparse_layers_(config.sparse_layers()) {}

std::int64_t LayerSteps::row_of(std::int64_t layer) const {
    return std::ranges::lower_bound(sparse_layers_, layer) - sparse_layers_.begin();
}

void LayerSteps::compute(std::span<BatchUnderWay> batches, LayerWeights const& weights) const {
    std::vector<SlotsUnderWay> slots;
    for (BatchUnderWay& b : batches)
        slots.push_back(forward_to_experts(context(b), weights, b.current, b.tape));
    for (std::size_t i = 0; i < batches.size(); ++i)
        slots[i] = forward_through_experts(dispatcher_, weights, batches[i].tape, std::move(slots[i]));
    for (std::size_t i = 0; i < batches.size(); ++i)
        batches[i].current = forward_from_experts(batches[i].tape, std::move(slots[i]));
}

void LayerSteps::forth(std::span<BatchUnderWay> batches, LayerWeights const& weights, std::int64_t layer) const {
    compute(batches, weights);
    for (BatchUnderWay const& b : batches) {
        if (!b.tape.is_routed()) continue;
        b.observer->on_routing(row_of(layer), b.batch, b.tape.routing);
        b.observer->on_expert_outputs(row_of(layer), b.batch, b.tape.routing, b.tape.slot_outputs);
    }
}

void LayerSteps::again(std::span<BatchUnderWay> batches, LayerWeights const& weights) const {
    std::vector<at::Tensor> gradients;
    for (BatchUnderWay& b : batches)
        gradients.push_back(std::exchange(b.current, b.tape.input));
    compute(batches, weights);
    for (std::size_t i = 0; i < batches.size(); ++i)
        batches[i].current = gradients[i];
}

std::vector<LayerGradient> LayerSteps::gradients(std::span<BatchUnderWay const> batches, LayerWeights const& weights,
                                                 std::int64_t layer, at::Tensor BatchUnderWay::*d_output,
                                                 Backward extent) const {
    std::vector<LayerContext> contexts;
    for (BatchUnderWay const& b : batches)
        contexts.push_back(context(b));
    std::vector<at::Tensor> d_all_logits(batches.size());
    for (std::size_t i = 0; i < batches.size(); ++i) {
        if (batches[i].anchor && batches[i].tape.is_routed() && d_output == &BatchUnderWay::current)
            d_all_logits[i] = anchor_gradient(*batches[i].anchor, row_of(layer), weights, batches[i].tape);
    }
    std::vector<LayerBackward> steps;
    for (std::size_t i = 0; i < batches.size(); ++i)
        steps.emplace_back(contexts[i], weights, batches[i].tape, batches[i].*d_output, extent, d_all_logits[i]);
    for (LayerBackward& step : steps)
        step.to_experts();
    for (LayerBackward& step : steps)
        step.through_experts();
    std::vector<LayerGradient> out;
    for (LayerBackward& step : steps)
        out.push_back(step.from_experts());
    return out;
}

void LayerSteps::back(std::span<BatchUnderWay> batches, LayerWeights const& weights, std::int64_t layer) const {
    bool const is_lowest = layer == lowest_router() && !weights.has_adapter();
    Backward const extent = is_lowest ? Backward::router_only : Backward::router_and_input;
    auto const of_losses = gradients(batches, weights, layer, &BatchUnderWay::current, extent);
    std::vector<LayerGradient> of_margins;
    if (batches.front().margin.defined())
        of_margins = gradients(batches, weights, layer, &BatchUnderWay::margin, extent);
    for (std::size_t i = 0; i < batches.size(); ++i) {
        BatchUnderWay& b = batches[i];
        if (b.tape.is_routed()) {
            b.observer->on_router_gradient(row_of(layer), b.batch, b.tape.routing, of_losses[i].d_router_logits,
                                           b.tape.router_input);
        }
        if (weights.has_adapter()) b.observer->on_adapter(layer, weights, b.tape, of_losses[i].adapter);
        b.current = of_losses[i].d_input;
        if (!of_margins.empty()) {
            if (b.tape.is_routed())
                b.observer->on_margin_gradient(row_of(layer), b.batch, b.tape.routing, of_margins[i].d_router_logits);
            b.margin = of_margins[i].d_input;
        }
        b.tape = {};
    }
}

}  // namespace gatesweep
