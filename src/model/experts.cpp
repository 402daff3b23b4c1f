#include "gatesweep/model/experts.h"

#include "gatesweep/ops/gated.h"
#include "gatesweep/ops/grouped_bias.h"

namespace gatesweep {

namespace {

// For each expert with an adapter: its rows.
template <class Body>
void for_each_adapter(ExpertWeights const& weights, std::vector<std::int64_t> const& offsets, Body const& body) {
    for (std::size_t x = 0; x < weights.adapters.size(); ++x)
        body(weights.adapters[x], [&, x](at::Tensor const& rows) { return rows.slice(0, offsets[x], offsets[x + 1]); });
}

// Of the two halves of [R,2F].
at::Tensor of_w1(at::Tensor const& gate_up) {
    return gate_up.slice(1, 0, gate_up.size(1) / 2);
}
at::Tensor of_w3(at::Tensor const& gate_up) {
    return gate_up.slice(1, gate_up.size(1) / 2);
}

}  // namespace

ExpertForward experts_forward(ExpertWeights const& weights, at::Tensor const& rows,
                              std::vector<std::int64_t> const& offsets) {
    ExpertForward forward;
    forward.gate_up = grouped_linear(rows, offsets, weights.gate_up);
    add_grouped_bias(forward.gate_up, offsets, weights.gate_up_bias);
    for_each_adapter(weights, offsets, [&](ExpertAdapter const& adapter, auto const& of_expert) {
        add_low_rank(adapter.w1, of_expert(rows), of_w1(of_expert(forward.gate_up)));
        add_low_rank(adapter.w3, of_expert(rows), of_w3(of_expert(forward.gate_up)));
    });
    at::Tensor const activation = gated(forward.gate_up, weights.gate);
    forward.output = grouped_linear(activation, offsets, weights.down);
    add_grouped_bias(forward.output, offsets, weights.down_bias);
    for_each_adapter(weights, offsets, [&](ExpertAdapter const& adapter, auto const& of_expert) {
        add_low_rank(adapter.w2, of_expert(activation), of_expert(forward.output));
    });
    return forward;
}

ExpertForward experts_forward(ExpertWeights const& weights, at::Tensor const& rows, at::Tensor const& offsets) {
    ExpertForward forward;
    forward.gate_up = grouped_linear(rows, offsets, weights.gate_up);
    add_grouped_bias(forward.gate_up, offsets, weights.gate_up_bias);
    forward.output = grouped_linear(gated(forward.gate_up, weights.gate), offsets, weights.down);
    add_grouped_bias(forward.output, offsets, weights.down_bias);
    return forward;
}

bool experts_group_on_device(ExpertWeights const& weights, at::Tensor const& rows) {
    return weights.adapters.empty() && groups_on_device(rows, weights.gate_up) && groups_on_device(rows, weights.down);
}

ExpertGradient experts_backward(ExpertWeights const& weights, at::Tensor const& d_output, at::Tensor const& gate_up,
                                std::vector<std::int64_t> const& offsets) {
    at::Tensor const d_activation = grouped_linear_input_gradient(d_output, offsets, weights.down);
    for_each_adapter(weights, offsets, [&](ExpertAdapter const& adapter, auto const& of_expert) {
        add_low_rank_gradient(adapter.w2, of_expert(d_output), of_expert(d_activation));
    });
    ExpertGradient gradient;
    gradient.d_gate_up = gated_backward(d_activation, gate_up, weights.gate);
    gradient.d_rows = grouped_linear_input_gradient(gradient.d_gate_up, offsets, weights.gate_up);
    for_each_adapter(weights, offsets, [&](ExpertAdapter const& adapter, auto const& of_expert) {
        add_low_rank_gradient(adapter.w1, of_w1(of_expert(gradient.d_gate_up)), of_expert(gradient.d_rows));
        add_low_rank_gradient(adapter.w3, of_w3(of_expert(gradient.d_gate_up)), of_expert(gradient.d_rows));
    });
    return gradient;
}

}  // namespace gatesweep
