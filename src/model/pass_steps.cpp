#include "pass_steps.h"

#include <utility>

#include "gatesweep/model/next_token_loss.h"
#include "gatesweep/model/row_ops.h"

namespace gatesweep {

HeadGradient head_forward_backward(ModelConfig const& config, at::Tensor const& final_norm, LinearWeight const& lm_head,
                                   PackedBatch const& batch, at::Tensor const& hidden) {
    at::Tensor const normed = rms_norm(hidden, final_norm, config.rms_norm_eps);
    NextTokenLoss loss = next_token_loss(normed, lm_head, batch.ids, batch.offsets, Gradient::hidden);
    return {std::move(loss.losses), rms_norm_backward(loss.d_hidden, hidden, final_norm, config.rms_norm_eps)};
}

at::Tensor layer_step_back(LayerContext const& context, LayerWeights const& weights, std::int64_t layer,
                           LayerTape const& tape, at::Tensor const& d_output, RoutingObserver& observer) {
    Backward const extent = layer > 0 ? Backward::router_and_input : Backward::router_only;
    LayerGradient const gradient = layer_backward(context, weights, tape, d_output, extent);
    observer.on_router_gradient(layer, context.batch, tape.routing, gradient.d_router_logits, tape.router_input);
    return gradient.d_input;
}

}  // namespace gatesweep
