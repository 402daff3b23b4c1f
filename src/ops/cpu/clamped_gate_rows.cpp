#include "clamped_gate_rows.h"

#include "vector_math.h"
#include "vector_widths.h"

namespace gatesweep::kernels {
namespace {

struct AsIs {
    [[gnu::always_inline]] static float rounded(float x) { return x; }
};
struct AsBfloat16 {
    [[gnu::always_inline]] static float rounded(float x) { return nearest_bfloat16(x); }
};

[[gnu::always_inline]] inline float at_most(float x, float limit) {
    return x > limit ? limit : x;
}

[[gnu::always_inline]] inline float within(float x, float limit) {
    x = x > limit ? limit : x;
    return x < -limit ? -limit : x;
}

template <class Stored>
[[gnu::always_inline]] inline float sigmoid_of(float gate, float alpha) {
    return Stored::rounded(1.0F / (1.0F + exponential(-Stored::rounded(gate * alpha))));
}

// A row of floats, or a block of one.
template <class Stored>
[[gnu::always_inline]] inline void forward(float const* __restrict gate, float const* __restrict up, ClampedGate rule,
                                           float* __restrict out, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
        float const g = at_most(gate[i], rule.limit);
        out[i] =
            Stored::rounded(g * sigmoid_of<Stored>(g, rule.alpha)) * Stored::rounded(within(up[i], rule.limit) + 1.0F);
    }
}

template <class Stored>
[[gnu::always_inline]] inline void backward(float const* __restrict d, float const* __restrict gate,
                                            float const* __restrict up, ClampedGate rule, float* __restrict d_gate,
                                            float* __restrict d_up, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
        float const g = at_most(gate[i], rule.limit), u = within(up[i], rule.limit);
        float const s = sigmoid_of<Stored>(g, rule.alpha);
        float const to_gate = d[i] * Stored::rounded(u + 1.0F) * s * (1.0F + rule.alpha * g * (1.0F - s));
        float const to_up = d[i] * Stored::rounded(g * s);
        d_gate[i] = gate[i] > rule.limit ? 0.0F : to_gate;
        d_up[i] = u != up[i] ? 0.0F : to_up;
    }
}

[[gnu::always_inline]] inline void forward(std::uint16_t const* gate, std::uint16_t const* up, ClampedGate rule,
                                           std::uint16_t* out, std::int64_t n) {
    float g[vector_block], u[vector_block], y[vector_block];
    for (std::int64_t first = 0; first < n; first += vector_block) {
        std::int64_t const here = n - first < vector_block ? n - first : vector_block;
        load_block(gate + first, g, here);
        load_block(up + first, u, here);
        forward<AsBfloat16>(g, u, rule, y, here);
        store_block(y, out + first, here);
    }
}

[[gnu::always_inline]] inline void backward(std::uint16_t const* d, std::uint16_t const* gate, std::uint16_t const* up,
                                            ClampedGate rule, std::uint16_t* d_gate, std::uint16_t* d_up,
                                            std::int64_t n) {
    float grad[vector_block], g[vector_block], u[vector_block], dg[vector_block], du[vector_block];
    for (std::int64_t first = 0; first < n; first += vector_block) {
        std::int64_t const here = n - first < vector_block ? n - first : vector_block;
        load_block(d + first, grad, here);
        load_block(gate + first, g, here);
        load_block(up + first, u, here);
        backward<AsBfloat16>(grad, g, u, rule, dg, du, here);
        store_block(dg, d_gate + first, here);
        store_block(du, d_up + first, here);
    }
}

}  // namespace

GATESWEEP_EACH_VECTOR_WIDTH void clamped_gate_row(float const* gate, float const* up, ClampedGate rule, float* out,
                                                  std::int64_t n) {
    forward<AsIs>(gate, up, rule, out, n);
}

GATESWEEP_EACH_VECTOR_WIDTH void clamped_gate_row(std::uint16_t const* gate, std::uint16_t const* up, ClampedGate rule,
                                                  std::uint16_t* out, std::int64_t n) {
    forward(gate, up, rule, out, n);
}

GATESWEEP_EACH_VECTOR_WIDTH void clamped_gate_backward_row(float const* d, float const* gate, float const* up,
                                                           ClampedGate rule, float* d_gate, float* d_up,
                                                           std::int64_t n) {
    backward<AsIs>(d, gate, up, rule, d_gate, d_up, n);
}

GATESWEEP_EACH_VECTOR_WIDTH void clamped_gate_backward_row(std::uint16_t const* d, std::uint16_t const* gate,
                                                           std::uint16_t const* up, ClampedGate rule,
                                                           std::uint16_t* d_gate, std::uint16_t* d_up, std::int64_t n) {
    backward(d, gate, up, rule, d_gate, d_up, n);
}

}  // namespace gatesweep::kernels
