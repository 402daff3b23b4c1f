#include "swiglu_rows.h"

#include "vector_math.h"
#include "vector_widths.h"

namespace gatesweep::kernels {
namespace {

[[gnu::always_inline]] inline float sigmoid(float x) {
    return 1.0F / (1.0F + exponential(-x));
}

[[gnu::always_inline]] inline void forward(std::uint16_t const* gate, std::uint16_t const* up, std::uint16_t* out,
                                           std::int64_t n) {
    float g[vector_block], u[vector_block], y[vector_block];
    for (std::int64_t first = 0; first < n; first += vector_block) {
        std::int64_t const here = n - first < vector_block ? n - first : vector_block;
        load_block(gate + first, g, here);
        load_block(up + first, u, here);
        for (std::int64_t i = 0; i < here; ++i)
            y[i] = nearest_bfloat16(g[i] * sigmoid(g[i])) * u[i];
        store_block(y, out + first, here);
    }
}

[[gnu::always_inline]] inline void forward(float const* __restrict gate, float const* __restrict up,
                                           float* __restrict out, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i)
        out[i] = gate[i] * sigmoid(gate[i]) * up[i];
}

[[gnu::always_inline]] inline void backward(float const* __restrict d, float const* __restrict gate,
                                            float const* __restrict up, float* __restrict d_gate,
                                            float* __restrict d_up, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
        float const s = sigmoid(gate[i]);
        d_gate[i] = d[i] * up[i] * s * (1.0F + gate[i] * (1.0F - s));
        d_up[i] = d[i] * (gate[i] * s);
    }
}

[[gnu::always_inline]] inline void backward(std::uint16_t const* d, std::uint16_t const* gate, std::uint16_t const* up,
                                            std::uint16_t* d_gate, std::uint16_t* d_up, std::int64_t n) {
    float grad[vector_block], g[vector_block], u[vector_block], dg[vector_block], du[vector_block];
    for (std::int64_t first = 0; first < n; first += vector_block) {
        std::int64_t const here = n - first < vector_block ? n - first : vector_block;
        load_block(d + first, grad, here);
        load_block(gate + first, g, here);
        load_block(up + first, u, here);
        for (std::int64_t i = 0; i < here; ++i) {
            float const s = sigmoid(g[i]);
            dg[i] = grad[i] * u[i] * s * (1.0F + g[i] * (1.0F - s));
            du[i] = grad[i] * nearest_bfloat16(g[i] * s);
        }
        store_block(dg, d_gate + first, here);
        store_block(du, d_up + first, here);
    }
}

}  // namespace

float fast_exp(float x) {
    return exponential(x);
}

GATESWEEP_EACH_VECTOR_WIDTH void swiglu_row(float const* gate, float const* up, float* out, std::int64_t n) {
    forward(gate, up, out, n);
}

GATESWEEP_EACH_VECTOR_WIDTH void swiglu_row(std::uint16_t const* gate, std::uint16_t const* up, std::uint16_t* out,
                                            std::int64_t n) {
    forward(gate, up, out, n);
}

GATESWEEP_EACH_VECTOR_WIDTH void swiglu_backward_row(float const* d, float const* gate, float const* up, float* d_gate,
                                                     float* d_up, std::int64_t n) {
    backward(d, gate, up, d_gate, d_up, n);
}

GATESWEEP_EACH_VECTOR_WIDTH void swiglu_backward_row(std::uint16_t const* d, std::uint16_t const* gate,
                                                     std::uint16_t const* up, std::uint16_t* d_gate,
                                                     std::uint16_t* d_up, std::int64_t n) {
    backward(d, gate, up, d_gate, d_up, n);
}

}  // namespace gatesweep::kernels
