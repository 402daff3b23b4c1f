// The experts that live on this rank: gated feed-forward networks on rows grouped by expert.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "gatesweep/model/adapter_weights.h"
#include "gatesweep/ops/gate_rule.h"
#include "gatesweep/ops/linear.h"

namespace gatesweep {

// w1 and w3 of an expert stand in one matrix, w1 (gate) first.
struct ExpertWeights {
    std::vector<LinearWeight> gate_up;  // e times [2F, D]
    std::vector<LinearWeight> down;     // e times [D, F]
    at::Tensor gate_up_bias = {};       // [e, 2F], added to that product; undefined where there is none
    at::Tensor down_bias = {};          // [e, D]
    GateRule gate = {};
    // An expert's, e times, or none. Only with offsets on the host.
    std::vector<ExpertAdapter> adapters = {};
};

struct ExpertForward {
    at::Tensor gate_up;  // [R, 2F] before the activation; kept for backward
    at::Tensor output;   // [R, D]
};

// rows [R,D]; expert x has rows [offsets[x], offsets[x+1]), all experts together every row.
ExpertForward experts_forward(ExpertWeights const& weights, at::Tensor const& rows,
                              std::vector<std::int64_t> const& offsets);
// The same for offsets that stay where the rows are, if they can (linear.h: groups_on_device, grouped_linear).
bool experts_group_on_device(ExpertWeights const& weights, at::Tensor const& rows);
ExpertForward experts_forward(ExpertWeights const& weights, at::Tensor const& rows, at::Tensor const& offsets);
struct ExpertGradient {
    at::Tensor d_gate_up;  // [R,2F], before the activation
    at::Tensor d_rows;     // [R,D]
};
ExpertGradient experts_backward(ExpertWeights const& weights, at::Tensor const& d_output, at::Tensor const& gate_up,
                                std::vector<std::int64_t> const& offsets);

}  // namespace gatesweep
