// Loops over a row of logits.
#pragma once

#include <cstdint>
#include <span>

namespace gatesweep::kernels {

// Rows of logits.
float largest_of_row(float const* z, std::int64_t n);

double sum_of_exponentials(float const* z, float largest, std::int64_t n);  // sum of exp(z - largest)

double exponentials_in_place(float* z, float largest, std::int64_t n);  // the same, and they are kept

void scale_in_place(float* z, float factor, std::int64_t n);

}  // namespace gatesweep::kernels
