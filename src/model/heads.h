// Between the product that makes queries, keys and values of a token and their rotation, there and back: biases, norms
// and limits, as HeadRule says.
#pragma once

#include <ATen/ATen.h>

#include "gatesweep/model/model_config.h"
#include "gatesweep/model/weights.h"
#include "gatesweep/ops/row_ops.h"

namespace gatesweep {

struct Heads {
    at::Tensor q, k, v;  // [T,H,d], [T,Hkv,d], [T,Hkv,d]
};

// The parts of [T, H + 2 Hkv, d].
Heads split_heads(ModelConfig const& config, at::Tensor const& heads);

// Norms and limits of what the product and the biases gave. Shares memory with it where neither changes anything.
Heads prepare_heads(ModelConfig const& config, LayerWeights const& weights, Heads const& made);
// Gradient to `made`, from that to what prepare_heads returned.
Heads prepare_heads_backward(ModelConfig const& config, LayerWeights const& weights, Heads const& made, Heads gradient);

}  // namespace gatesweep
