// Gate-gradient scores of the prompts of one packed batch, from one backward pass.
//
// d loss_p / d gate_weight[e,:] = sum over the prompt's tokens of d_router_logits[t,e] * router_input[t,:], a segmented
// outer product; the score is its mean absolute value over D (arXiv 2605.24270). Sums run in token order in float64.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/model/packed_batch.h"
#include "gatesweep/ops/router.h"

namespace gatesweep {

struct GateGradientScores {
    std::vector<double> scores;  // [prompts, E] row-major
    // How far the columns are from their identity, sum over experts = 0, per prompt: largest |column sum| over what
    // rounding of the inner products alone could leave. Above 1 the gradient is wrong.
    std::vector<double> imbalance;
};

GateGradientScores gate_gradient_scores(PackedBatch const& batch, Routing const& routing,
                                        at::Tensor const& d_router_logits, at::Tensor const& router_input);

// The whole gradient of one prompt, [E,D] float64, for verification.
std::vector<double> gate_gradient_of_prompt(PackedBatch const& batch, std::int64_t prompt, Routing const& routing,
                                            at::Tensor const& d_router_logits, at::Tensor const& router_input);

}  // namespace gatesweep
