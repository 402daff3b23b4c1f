#include "gatesweep/model/experts.h"

#include "gatesweep/model/linear.h"
#include "gatesweep/model/row_ops.h"

namespace gatesweep {
namespace {

template <class Body>
void for_each_expert(std::vector<std::int64_t> const& offsets, Body const& body) {
    for (std::size_t x = 0; x + 1 < offsets.size(); ++x) {
        if (offsets[x + 1] > offsets[x]) body(static_cast<std::int64_t>(x), offsets[x], offsets[x + 1]);
    }
}

}  // namespace

ExpertForward experts_forward(ExpertWeights const& weights, at::Tensor const& rows, std::vector<std::int64_t> const& offsets) {
    ExpertForward forward;
    forward.gate_up = at::empty({rows.size(0), weights.gate_up.size(1)}, rows.options());
    forward.output = at::empty({rows.size(0), weights.down.size(1)}, rows.options());
    for_each_expert(offsets, [&](std::int64_t x, std::int64_t begin, std::int64_t end) {
        at::Tensor gate_up = forward.gate_up.slice(0, begin, end), output = forward.output.slice(0, begin, end);
        gate_up.copy_(token_linear(rows.slice(0, begin, end), weights.gate_up[x]));
        output.copy_(token_linear(swiglu(gate_up), weights.down[x]));
    });
    return forward;
}

at::Tensor experts_backward(ExpertWeights const& weights, at::Tensor const& d_output, at::Tensor const& gate_up,
                            std::vector<std::int64_t> const& offsets) {
    at::Tensor d_rows = at::empty({d_output.size(0), weights.gate_up.size(2)}, d_output.options());
    for_each_expert(offsets, [&](std::int64_t x, std::int64_t begin, std::int64_t end) {
        at::Tensor const d_activation = token_linear_input_gradient(d_output.slice(0, begin, end), weights.down[x]);
        at::Tensor const d_gate_up = swiglu_backward(d_activation, gate_up.slice(0, begin, end));
        d_rows.slice(0, begin, end).copy_(token_linear_input_gradient(d_gate_up, weights.gate_up[x]));
    });
    return d_rows;
}

}  // namespace gatesweep
