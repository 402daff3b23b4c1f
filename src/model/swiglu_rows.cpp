#include "swiglu_rows.h"

#include <bit>

#include "any_width.h"

namespace gatesweep::kernels {
namespace {

[[gnu::always_inline]] inline float exponential(float x) {
    x = x > 88.0F ? 88.0F : x;
    x = x < -87.0F ? -87.0F : x;
    // x = n ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits; ln 2
    // is taken away in two parts, the first with few bits so that n times it is exact.
    float const shifted = x * 1.44269504F + 12582912.0F, n = shifted - 12582912.0F;
    float const r = (x - n * 0.693359375F) - n * -2.12194440e-4F;
    // Taylor: the terms left out are below r^8 / 8! < 6e-9.
    float p = 1.0F / 5040;
    p = p * r + 1.0F / 720;
    p = p * r + 1.0F / 120;
    p = p * r + 1.0F / 24;
    p = p * r + 1.0F / 6;
    p = p * r + 0.5F;
    p = p * r * r + r + 1.0F;
    return p * std::bit_cast<float>((std::bit_cast<std::uint32_t>(shifted) + 127) << 23);
}

[[gnu::always_inline]] inline float sigmoid(float x) {
    return 1.0F / (1.0F + exponential(-x));
}

[[gnu::always_inline]] inline float widen(std::uint16_t bits) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// A bfloat16 as a word whose upper half it is: to the nearest, ties to even; NaN stays NaN.
[[gnu::always_inline]] inline std::uint32_t nearest_word(float value) {
    std::uint32_t const word = std::bit_cast<std::uint32_t>(value);
    std::uint32_t const nearest = (word + 0x7FFF + (word >> 16 & 1)) & 0xFFFF0000;
    return (word & 0x7FFFFFFF) > 0x7F800000 ? 0x7FC00000 : nearest;
}

[[gnu::always_inline]] inline float rounded(float value) {
    return std::bit_cast<float>(nearest_word(value));
}

// Loops that mix element sizes are vectorised badly, so bfloat16 rows pass through blocks of floats.
constexpr std::int64_t block = 128;

[[gnu::always_inline]] inline void load(std::uint16_t const* from, float* to, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i)
        to[i] = widen(from[i]);
}

[[gnu::always_inline]] inline void store(float const* from, std::uint16_t* to, std::int64_t n) {
    std::uint32_t words[block];
    for (std::int64_t i = 0; i < n; ++i)
        words[i] = nearest_word(from[i]);
    for (std::int64_t i = 0; i < n; ++i)
        to[i] = static_cast<std::uint16_t>(words[i] >> 16);
}

[[gnu::always_inline]] inline void forward(std::uint16_t const* gate, std::uint16_t const* up, std::uint16_t* out,
                                           std::int64_t n) {
    float g[block], u[block], y[block];
    for (std::int64_t first = 0; first < n; first += block) {
        std::int64_t const here = n - first < block ? n - first : block;
        load(gate + first, g, here);
        load(up + first, u, here);
        for (std::int64_t i = 0; i < here; ++i)
            y[i] = rounded(g[i] * sigmoid(g[i])) * u[i];
        store(y, out + first, here);
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
    float grad[block], g[block], u[block], dg[block], du[block];
    for (std::int64_t first = 0; first < n; first += block) {
        std::int64_t const here = n - first < block ? n - first : block;
        load(d + first, grad, here);
        load(gate + first, g, here);
        load(up + first, u, here);
        for (std::int64_t i = 0; i < here; ++i) {
            float const s = sigmoid(g[i]);
            dg[i] = grad[i] * u[i] * s * (1.0F + g[i] * (1.0F - s));
            du[i] = grad[i] * rounded(g[i] * s);
        }
        store(dg, d_gate + first, here);
        store(du, d_up + first, here);
    }
}

}  // namespace

float fast_exp(float x) {
    return exponential(x);
}

GATESWEEP_ANY_WIDTH void swiglu_row(float const* gate, float const* up, float* out, std::int64_t n) {
    forward(gate, up, out, n);
}

GATESWEEP_ANY_WIDTH void swiglu_row(std::uint16_t const* gate, std::uint16_t const* up, std::uint16_t* out,
                                    std::int64_t n) {
    forward(gate, up, out, n);
}

GATESWEEP_ANY_WIDTH void swiglu_backward_row(float const* d, float const* gate, float const* up, float* d_gate,
                                             float* d_up, std::int64_t n) {
    backward(d, gate, up, d_gate, d_up, n);
}

GATESWEEP_ANY_WIDTH void swiglu_backward_row(std::uint16_t const* d, std::uint16_t const* gate, std::uint16_t const* up,
                                             std::uint16_t* d_gate, std::uint16_t* d_up, std::int64_t n) {
    backward(d, gate, up, d_gate, d_up, n);
}

}  // namespace gatesweep::kernels
