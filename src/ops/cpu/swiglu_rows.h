// Inner loops of SwiGLU for float32 and bfloat16, vectorised: with std::exp they cost as much as an expert's products.
#pragma once

#include <cstdint>

namespace gatesweep::kernels {

// e^x to 2 units in the last place for x in [-87, 88], its value at the nearer end outside, NaN for NaN.
// Multiplications and additions alone, in one order: the same bits from any instruction set.
float fast_exp(float x);

// out[i] = silu(gate[i]) * up[i]. bfloat16 rounds after silu, as the reference does.
void swiglu_row(float const* gate, float const* up, float* out, std::int64_t n);
void swiglu_row(std::uint16_t const* gate, std::uint16_t const* up, std::uint16_t* out, std::int64_t n);

// Gradients to gate and up from d[i], that to the activation.
void swiglu_backward_row(float const* d, float const* gate, float const* up, float* d_gate, float* d_up,
                         std::int64_t n);
void swiglu_backward_row(std::uint16_t const* d, std::uint16_t const* gate, std::uint16_t const* up,
                         std::uint16_t* d_gate, std::uint16_t* d_up, std::int64_t n);

}  // namespace gatesweep::kernels
