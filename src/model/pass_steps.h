// The steps of a pass forth and back over one batch, for whoever decides where weights and activations lie meanwhile.
#pragma once

#include <cstdint>
#include <vector>

#include "gatesweep/model/decoder_layer.h"
#include "gatesweep/model/mixtral.h"

namespace gatesweep {

struct HeadGradient {
    std::vector<double> losses;  // of each prompt
    at::Tensor d_hidden;         // [T,D] gradient of their sum to the last layer's output
};
HeadGradient head_forward_backward(ModelConfig const& config, at::Tensor const& final_norm, LinearWeight const& lm_head,
                                   PackedBatch const& batch, at::Tensor const& hidden);

// Through one layer, from a whole tape; returns the gradient to its input, undefined for the lowest layer.
at::Tensor layer_step_back(LayerContext const& context, LayerWeights const& weights, std::int64_t layer,
                           LayerTape const& tape, at::Tensor const& d_output, RoutingObserver& observer);

}  // namespace gatesweep
