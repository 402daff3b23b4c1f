// The loops over a row that surround the matrix products, compiled for any vector width. A bfloat16 is its bits. Sums
// run over 16 lanes by column; the arithmetic is float32, rounded to the row's type where the reference stores it.
#pragma once

#include <cstdint>
#include <span>

namespace gatesweep::kernels {

using Bits = std::uint16_t;

void widen_row(float const* from, float* to, std::int64_t n);
void widen_row(Bits const* from, float* to, std::int64_t n);
void narrow_row(float const* from, float* to, std::int64_t n);
void narrow_row(float const* from, Bits* to, std::int64_t n);

float dot_row(float const* a, float const* b, std::int64_t n);
float dot_row(Bits const* a, Bits const* b, std::int64_t n);

// out = round(x / rms(x)) * weight
void rms_norm_row(float const* x, float const* weight, float eps, float* out, std::int64_t n);
void rms_norm_row(Bits const* x, Bits const* weight, float eps, Bits* out, std::int64_t n);
void rms_norm_backward_row(float const* dy, float const* x, float const* weight, float eps, float* dx, std::int64_t n);
void rms_norm_backward_row(Bits const* dy, Bits const* x, Bits const* weight, float eps, Bits* dx, std::int64_t n);

// Turns (first, second) by the angles; sign -1 turns back.
void rotate_row(float* first, float* second, float const* cos, float const* sin, float sign, std::int64_t n);
void rotate_row(Bits* first, Bits* second, Bits const* cos, Bits const* sin, float sign, std::int64_t n);

// out = sum of factors[k] * rows[k], in ascending k; a row whose factor is 0 is not read.
void weighted_sum_row(std::span<float const* const> rows, float const* factors, float* out, std::int64_t n);
void weighted_sum_row(std::span<Bits const* const> rows, float const* factors, Bits* out, std::int64_t n);
// out = factor * x
void scaled_row(float const* x, float factor, float* out, std::int64_t n);
void scaled_row(Bits const* x, float factor, Bits* out, std::int64_t n);

}  // namespace gatesweep::kernels
