// One query against its visible keys, in ascending order: the arithmetic that prefill and decode share, so that a token's
// bits do not depend on which of the two computed it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace gatesweep::kernels {

// The first key that the query at position i sees.
inline std::int64_t first_visible(std::optional<std::int64_t> window, std::int64_t i) {
    return window ? std::max<std::int64_t>(0, i - *window + 1) : 0;
}

// Softmax of query . keys over [first, last], normalised, into p[first..last]. keys [.., d]
void softmax_over_keys(float const* query, float const* keys, std::int64_t d, std::int64_t first, std::int64_t last, float scale,
                       float* p);
void softmax_over_keys(double const* query, double const* keys, std::int64_t d, std::int64_t first, std::int64_t last, double scale,
                       double* p);

// row [d] = sum_j p[j] values[j], with p as above, which is filled in.
void attend(float const* query, float const* keys, float const* values, std::int64_t d, std::int64_t first, std::int64_t last,
            float scale, float* p, float* row);
void attend(double const* query, double const* keys, double const* values, std::int64_t d, std::int64_t first, std::int64_t last,
            double scale, double* p, double* row);

}  // namespace gatesweep::kernels
