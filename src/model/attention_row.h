// One query against its visible keys, in ascending order: the arithmetic that prefill and decode share, so that a token's
// bits do not depend on which of the two computed it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "kernels.h"

namespace gatesweep::kernels {

// The first key that the query at position i sees.
inline std::int64_t first_visible(std::optional<std::int64_t> window, std::int64_t i) {
    return window ? std::max<std::int64_t>(0, i - *window + 1) : 0;
}

// Softmax of query . keys over [first, last], normalised, into p[first..last]. keys [.., d]
template <class A>
void softmax_over_keys(A const* query, A const* keys, std::int64_t d, std::int64_t first, std::int64_t last, A scale, A* p) {
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

// row [d] = sum_j p[j] values[j]
template <class A>
void attend(A const* query, A const* keys, A const* values, std::int64_t d, std::int64_t first, std::int64_t last, A scale, A* p,
            A* row) {
    softmax_over_keys(query, keys, d, first, last, scale, p);
    std::fill(row, row + d, A(0));
    for (std::int64_t j = first; j <= last; ++j) axpy(p[j], values + j * d, row, d);
}

}  // namespace gatesweep::kernels
