#include "gatesweep/model/shared_expert.h"

#include "gatesweep/ops/row_ops.h"
#include "gatesweep/ops/sigmoid.h"

namespace gatesweep {

SharedTape shared_forward(SharedExpert const& expert, at::Tensor const& input) {
    SharedTape tape;
    tape.gate_up = token_linear(input, expert.gate_up);
    tape.output = token_linear(swiglu(tape.gate_up), expert.down);
    if (expert.weigher) tape.weight = sigmoid_of(token_linear(input, *expert.weigher));
    return tape;
}

at::Tensor shared_backward(SharedExpert const& expert, SharedTape const& tape, at::Tensor const& d_weighted) {
    at::Tensor const d_output = tape.weight.defined() ? d_weighted * tape.weight : d_weighted;
    at::Tensor const d_activation = token_linear_input_gradient(d_output, expert.down);
    at::Tensor const through_expert =
        token_linear_input_gradient(swiglu_backward(d_activation, tape.gate_up), expert.gate_up);
    if (!expert.weigher) return through_expert;
    at::Tensor const d_weight = row_products(d_weighted, tape.output).to(tape.weight.scalar_type());
    at::Tensor const d_logit = d_weight * tape.weight * (1 - tape.weight);
    return through_expert + token_linear_input_gradient(d_logit, *expert.weigher);
}

}  // namespace gatesweep
