// Multi-head latent attention: from the product of a token's hidden states to its heads and back, as LatentRule says.
//
// Every head gets its whole keys and values, so attention and its cache are those of other models. Values are followed
// by zeros up to the width of keys.
#pragma once

#include <ATen/ATen.h>

#include "gatesweep/model/model_config.h"
#include "gatesweep/model/weights.h"
#include "gatesweep/ops/rotary.h"
#include "gatesweep/ops/row_ops.h"
#include "heads.h"

namespace gatesweep {

struct HeadRotation {
    RotaryTable const& table;
    at::Tensor const& rows;  // of the table, [T]
};

// Of attention's scores, besides head_dim^-0.5.
double latent_score_factor(RopeScaling const& scaling);

// Of products [T, width]. Queries and keys are rotated.
Heads latent_heads(ModelConfig const& config, LayerWeights const& weights, at::Tensor const& products,
                   HeadRotation const& rotation);
// Gradient to the products, from that to what latent_heads returned, which it overwrites.
at::Tensor latent_heads_backward(ModelConfig const& config, LayerWeights const& weights, at::Tensor const& products,
                                 Heads const& gradient, HeadRotation const& rotation);

// Attention's output [T,H,d] as rows of values [T, H d of values], and back: zeros where values have no columns.
at::Tensor value_rows(ModelConfig const& config, at::Tensor const& mixed);
at::Tensor value_heads(ModelConfig const& config, at::Tensor const& rows);

}  // namespace gatesweep
