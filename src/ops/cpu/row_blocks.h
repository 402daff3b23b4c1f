// A row in blocks of float32, and sums over 16 lanes by column: what the loops over rows are made of.
#pragma once

#include <cstdint>

#include "vector_math.h"

namespace gatesweep::kernels {

inline constexpr int lanes = 16;

[[gnu::always_inline]] inline void load_block(float const* from, float* to, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i)
        to[i] = from[i];
}

[[gnu::always_inline]] inline void store_block(float const* from, float* to, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i)
        to[i] = from[i];
}

[[gnu::always_inline]] inline float as_stored(float value, float const*) {
    return value;
}
[[gnu::always_inline]] inline float as_stored(float value, std::uint16_t const*) {
    return nearest_bfloat16(value);
}

// body(first column, columns)
template <class Body>
[[gnu::always_inline]] inline void for_blocks(std::int64_t n, Body const& body) {
    std::int64_t i = 0;
    for (; i + vector_block <= n; i += vector_block)
        body(i, vector_block);
    if (i < n) body(i, n - i);
}

// Adds the products of a block that starts at a multiple of the lanes.
[[gnu::always_inline]] inline void add_products(float const* a, float const* b, std::int64_t n, float (&sums)[lanes]) {
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (int lane = 0; lane < lanes; ++lane)
            sums[lane] += a[i + lane] * b[i + lane];
    }
    for (int lane = 0; i < n; ++i, ++lane)
        sums[lane] += a[i] * b[i];
}

}  // namespace gatesweep::kernels
