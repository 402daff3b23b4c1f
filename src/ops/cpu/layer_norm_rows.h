// LayerNorm of a row, as row_loops.h has its loops.
#pragma once

#include <cstdint>

#include "row_loops.h"

namespace gatesweep::kernels {

// out = (x - mean) / deviation * weight + bias
void layer_norm_row(float const* x, float const* weight, float const* bias, float eps, float* out, std::int64_t n);
void layer_norm_row(Bits const* x, Bits const* weight, Bits const* bias, float eps, Bits* out, std::int64_t n);
void layer_norm_backward_row(float const* dy, float const* x, float const* weight, float eps, float* dx,
                             std::int64_t n);
void layer_norm_backward_row(Bits const* dy, Bits const* x, Bits const* weight, float eps, Bits* dx, std::int64_t n);

}  // namespace gatesweep::kernels
