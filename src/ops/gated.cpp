#include "gatesweep/ops/gated.h"

#include "gatesweep/ops/row_ops.h"
#include "ops/cpu/clamped_gate_rows.h"
#include "ops/cpu/kernels.h"
#include "ops/generic/generic_ops.h"

namespace gatesweep {

using namespace kernels;

at::Tensor gated(at::Tensor const& gate_up, GateRule const& rule) {
    if (!rule.limit) return swiglu(gate_up);
    if (!has_loops(gate_up)) return generic::clamped_gate(gate_up, rule);
    std::int64_t const f = gate_up.size(1) / 2;
    ClampedGate const gate{static_cast<float>(*rule.limit), static_cast<float>(rule.alpha)};
    at::Tensor activation = at::empty({gate_up.size(0), f}, gate_up.options());
    GATESWEEP_DISPATCH(gate_up.scalar_type(), "clamped_gate", [&] {
        auto const* in = gate_up.const_data_ptr<scalar_t>();
        auto* out = activation.data_ptr<scalar_t>();
        for_each_row(gate_up.size(0), f, [&](std::int64_t r) {
            clamped_gate_row(bits(in + r * 2 * f), bits(in + r * 2 * f + f), gate, bits(out + r * f), f);
        });
    });
    return activation;
}

at::Tensor gated_backward(at::Tensor const& d_activation, at::Tensor const& gate_up, GateRule const& rule) {
    if (!rule.limit) return swiglu_backward(d_activation, gate_up);
    if (!has_loops(gate_up)) return generic::clamped_gate_backward(d_activation, gate_up, rule);
    std::int64_t const f = gate_up.size(1) / 2;
    ClampedGate const gate{static_cast<float>(*rule.limit), static_cast<float>(rule.alpha)};
    at::Tensor d_gate_up = at::empty_like(gate_up);
    GATESWEEP_DISPATCH(gate_up.scalar_type(), "clamped_gate_backward", [&] {
        auto const* in = gate_up.const_data_ptr<scalar_t>();
        auto const* grad = d_activation.const_data_ptr<scalar_t>();
        auto* out = d_gate_up.data_ptr<scalar_t>();
        for_each_row(gate_up.size(0), f, [&](std::int64_t r) {
            scalar_t const* const row = in + r * 2 * f;
            scalar_t* const to = out + r * 2 * f;
            clamped_gate_backward_row(bits(grad + r * f), bits(row), bits(row + f), gate, bits(to), bits(to + f), f);
        });
    });
    return d_gate_up;
}

}  // namespace gatesweep
