#include "gatesweep/model/experts.h"

#include "gatesweep/ops/gated.h"
#include "gatesweep/ops/grouped_bias.h"

namespace gatesweep {

namespace {

template <class Offsets>
ExpertForward forward_with(ExpertWeights const& weights, at::Tensor const& rows, Offsets const& offsets) {
    ExpertForward forward;
    forward.gate_up = grouped_linear(rows, offsets, weights.gate_up);
    add_grouped_bias(forward.gate_up, offsets, weights.gate_up_bias);
    forward.output = grouped_linear(gated(forward.gate_up, weights.gate), offsets, weights.down);
    add_grouped_bias(forward.output, offsets, weights.down_bias);
    return forward;
}

}  // namespace

ExpertForward experts_forward(ExpertWeights const& weights, at::Tensor const& rows,
                              std::vector<std::int64_t> const& offsets) {
    return forward_with(weights, rows, offsets);
}

ExpertForward experts_forward(ExpertWeights const& weights, at::Tensor const& rows, at::Tensor const& offsets) {
    return forward_with(weights, rows, offsets);
}

bool experts_group_on_device(ExpertWeights const& weights, at::Tensor const& rows) {
    return groups_on_device(rows, weights.gate_up) && groups_on_device(rows, weights.down);
}

at::Tensor experts_backward(ExpertWeights const& weights, at::Tensor const& d_output, at::Tensor const& gate_up,
                            std::vector<std::int64_t> const& offsets) {
    at::Tensor const d_activation = grouped_linear_input_gradient(d_output, offsets, weights.down);
    return grouped_linear_input_gradient(gated_backward(d_activation, gate_up, weights.gate), offsets, weights.gate_up);
}

}  // namespace gatesweep
