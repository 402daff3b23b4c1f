#include "attention_row.h"

#include <cmath>
#include <limits>

#include "any_width.h"
#include "kernels.h"

namespace gatesweep::kernels {
namespace {

template <class A>
[[gnu::always_inline]] inline void softmax(A const* query, A const* keys, std::int64_t d, std::int64_t first, std::int64_t last,
                                           A scale, A* p) {
    A largest = -std::numeric_limits<A>::infinity();
    for (std::int64_t j = first; j <= last; ++j) {
        p[j] = dot(query, keys + j * d, d) * scale;
        largest = std::max(largest, p[j]);
    }
    A sum = 0;
    for (std::int64_t j = first; j <= last; ++j) sum += p[j] = std::exp(p[j] - largest);
    A const inverse = A(1) / sum;
    for (std::int64_t j = first; j <= last; ++j) p[j] *= inverse;
}

template <class A>
[[gnu::always_inline]] inline void mix(A const* p, A const* values, std::int64_t d, std::int64_t first, std::int64_t last, A* row) {
    std::fill(row, row + d, A(0));
    for (std::int64_t j = first; j <= last; ++j) axpy(p[j], values + j * d, row, d);
}

}  // namespace

GATESWEEP_ANY_WIDTH void softmax_over_keys(float const* query, float const* keys, std::int64_t d, std::int64_t first,
                                           std::int64_t last, float scale, float* p) {
    softmax(query, keys, d, first, last, scale, p);
}

void softmax_over_keys(double const* query, double const* keys, std::int64_t d, std::int64_t first, std::int64_t last, double scale,
                       double* p) {
    softmax(query, keys, d, first, last, scale, p);
}

GATESWEEP_ANY_WIDTH void attend(float const* query, float const* keys, float const* values, std::int64_t d, std::int64_t first,
                                std::int64_t last, float scale, float* p, float* row) {
    softmax(query, keys, d, first, last, scale, p);
    mix(p, values, d, first, last, row);
}

void attend(double const* query, double const* keys, double const* values, std::int64_t d, std::int64_t first, std::int64_t last,
            double scale, double* p, double* row) {
    softmax(query, keys, d, first, last, scale, p);
    mix(p, values, d, first, last, row);
}

}  // namespace gatesweep::kernels
