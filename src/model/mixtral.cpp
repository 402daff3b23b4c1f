#include "gatesweep/model/mixtral.h"

#include <utility>

#include "gatesweep/model/next_token_loss.h"

namespace gatesweep {

Mixtral::Mixtral(ModelConfig config, Weights weights, ParallelLayout const& layout, std::int64_t max_tokens)
    : config_(std::move(config)),
      weights_(std::move(weights)),
      dispatcher_(layout, config_.num_experts, weights_.device()),
      rotary_(make_rotary_table(max_tokens, config_.head_dim, config_.rope_theta, weights_.embedding.options())) {}

at::Tensor Mixtral::embed(PackedBatch const& batch) const {
    return weights_.embedding.index_select(0, batch.ids.to(weights_.device()));
}

std::vector<double> Mixtral::forward(PackedBatch const& batch, RoutingObserver& observer) const {
    LayerContext const context{config_, dispatcher_, rotary_, batch};
    at::Tensor hidden = embed(batch);
    for (std::int64_t l = 0; l < config_.num_layers; ++l) {
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
    at::Tensor hidden = embed(batch);
    for (std::int64_t l = 0; l < config_.num_layers; ++l) {
        LayerTape tape;
        hidden = layer_forward(context, weights_.layers[l], hidden, tape);
        observer.on_routing(l, batch, tape.routing);
        if (policy == TapePolicy::keep) {
            tapes[l] = std::move(tape);
        } else {
            tapes[l].input = tape.input;
        }
    }
    at::Tensor const normed = rms_norm(hidden, weights_.final_norm, config_.rms_norm_eps);
    NextTokenLoss loss = next_token_loss(normed, weights_.lm_head, batch.ids, batch.offsets, Gradient::hidden);
    at::Tensor gradient = rms_norm_backward(loss.d_hidden, hidden, weights_.final_norm, config_.rms_norm_eps);

    for (std::int64_t l = config_.num_layers - 1; l >= 0; --l) {
        LayerTape& tape = tapes[l];
        if (policy == TapePolicy::recompute) layer_forward(context, weights_.layers[l], at::Tensor(tape.input), tape);
        Backward const extent = l > 0 ? Backward::router_and_input : Backward::router_only;
        LayerGradient const layer = layer_backward(context, weights_.layers[l], tape, gradient, extent);
        observer.on_router_gradient(l, batch, tape.routing, layer.d_router_logits, tape.router_input);
        gradient = layer.d_input;
        tape = LayerTape();
    }
    return std::move(loss.losses);
}

}  // namespace gatesweep
