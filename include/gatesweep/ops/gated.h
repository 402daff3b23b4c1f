// What an expert does between its two products, there and back, as GateRule says.
#pragma once

#include <ATen/ATen.h>

#include "gatesweep/ops/gate_rule.h"

namespace gatesweep {

// Of gate_up = [g | u]: [R,2F] -> [R,F]. Without a limit it is swiglu (row_ops.h).
at::Tensor gated(at::Tensor const& gate_up, GateRule const& rule);
// [R,F], [R,2F] -> [R,2F]. A value on its limit still has a gradient, one beyond has none.
at::Tensor gated_backward(at::Tensor const& d_activation, at::Tensor const& gate_up, GateRule const& rule);

}  // namespace gatesweep
