// Inner loops of the gate with limits (gate_rule.h) for float32 and bfloat16, vectorised as swiglu_rows.h are.
#pragma once

#include <cstdint>

namespace gatesweep::kernels {

struct ClampedGate {
    float limit, alpha;
};

// out[i] = g * sigmoid(alpha * g) * (u + 1) of the limited g and u. bfloat16 rounds after each step, as the reference
// does.
void clamped_gate_row(float const* gate, float const* up, ClampedGate rule, float* out, std::int64_t n);
void clamped_gate_row(std::uint16_t const* gate, std::uint16_t const* up, ClampedGate rule, std::uint16_t* out,
                      std::int64_t n);

// Gradients to gate and up from d[i], that to the activation.
void clamped_gate_backward_row(float const* d, float const* gate, float const* up, ClampedGate rule, float* d_gate,
                               float* d_up, std::int64_t n);
void clamped_gate_backward_row(std::uint16_t const* d, std::uint16_t const* gate, std::uint16_t const* up,
                               ClampedGate rule, std::uint16_t* d_gate, std::uint16_t* d_up, std::int64_t n);

}  // namespace gatesweep::kernels
