#include "row_loops.h"

#include <cmath>
#include <cstring>

#include "row_blocks.h"
#include "vector_widths.h"

namespace gatesweep::kernels {
namespace {

template <class T>
[[gnu::always_inline]] inline float dot(T const* a, T const* b, std::int64_t n) {
    float sums[lanes] = {}, x[vector_block], y[vector_block];
    for_blocks(
        n, [&](std::int64_t at, std::int64_t here) __attribute__((always_inline)) {
            load_block(a + at, x, here);
            load_block(b + at, y, here);
            add_products(x, y, here, sums);
        });
    return sum_16(sums);
}

template <class T>
[[gnu::always_inline]] inline void rms_norm(T const* x, T const* weight, float eps, T* out, std::int64_t n) {
    float const scale = 1.0F / std::sqrt(dot(x, x, n) / static_cast<float>(n) + eps);
    float a[vector_block], w[vector_block];
    for_blocks(
        n, [&](std::int64_t at, std::int64_t here) __attribute__((always_inline)) {
            load_block(x + at, a, here);
            load_block(weight + at, w, here);
            for (std::int64_t i = 0; i < here; ++i)
                a[i] = as_stored(a[i] * scale, out) * w[i];
            store_block(a, out + at, here);
        });
}

template <class T>
[[gnu::always_inline]] inline void rms_norm_backward(T const* dy, T const* x, T const* weight, float eps, T* dx,
                                                     std::int64_t n) {
    float squares[lanes] = {}, products[lanes] = {}, a[vector_block], g[vector_block], w[vector_block];
    auto const load = [&](std::int64_t at, std::int64_t here) __attribute__((always_inline)) {
        load_block(x + at, a, here);
        load_block(dy + at, g, here);
        load_block(weight + at, w, here);
        for (std::int64_t i = 0; i < here; ++i)
            g[i] *= w[i];
    };
    for_blocks(
        n, [&](std::int64_t at, std::int64_t here) __attribute__((always_inline)) {
            load(at, here);
            add_products(a, a, here, squares);
            add_products(g, a, here, products);
        });
    auto const size = static_cast<float>(n);
    float const scale = 1.0F / std::sqrt(sum_16(squares) / size + eps),
                projection = sum_16(products) / size * scale * scale;
    for_blocks(
        n, [&](std::int64_t at, std::int64_t here) __attribute__((always_inline)) {
            load(at, here);
            for (std::int64_t i = 0; i < here; ++i)
                a[i] = (g[i] - a[i] * projection) * scale;
            store_block(a, dx + at, here);
        });
}

template <class T>
[[gnu::always_inline]] inline void rotate(T* first, T* second, T const* cos, T const* sin, float sign, std::int64_t n) {
    float a[vector_block], b[vector_block], c[vector_block], s[vector_block];
    for_blocks(
        n, [&](std::int64_t at, std::int64_t here) __attribute__((always_inline)) {
            load_block(first + at, a, here);
            load_block(second + at, b, here);
            load_block(cos + at, c, here);
            load_block(sin + at, s, here);
            for (std::int64_t i = 0; i < here; ++i) {
                float const x = a[i], y = b[i], turn = sign * s[i];
                a[i] = as_stored(x * c[i], first) - as_stored(y * turn, first);
                b[i] = as_stored(y * c[i], first) + as_stored(x * turn, first);
            }
            store_block(a, first + at, here);
            store_block(b, second + at, here);
        });
}

template <class T>
[[gnu::always_inline]] inline void weighted_sum(std::span<T const* const> rows, float const* factors, T* out,
                                                std::int64_t n) {
    float sum[vector_block], row[vector_block];
    for_blocks(
        n, [&](std::int64_t at, std::int64_t here) __attribute__((always_inline)) {
            for (std::int64_t i = 0; i < here; ++i)
                sum[i] = 0.0F;
            for (std::size_t k = 0; k < rows.size(); ++k) {
                if (factors[k] == 0.0F) continue;
                load_block(rows[k] + at, row, here);
                for (std::int64_t i = 0; i < here; ++i)
                    sum[i] += factors[k] * row[i];
            }
            store_block(sum, out + at, here);
        });
}

template <class T>
[[gnu::always_inline]] inline void scaled(T const* x, float factor, T* out, std::int64_t n) {
    float row[vector_block];
    for_blocks(
        n, [&](std::int64_t at, std::int64_t here) __attribute__((always_inline)) {
            load_block(x + at, row, here);
            for (std::int64_t i = 0; i < here; ++i)
                row[i] *= factor;
            store_block(row, out + at, here);
        });
}

}  // namespace

void widen_row(float const* from, float* to, std::int64_t n) {
    std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(float));
}
void narrow_row(float const* from, float* to, std::int64_t n) {
    std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(float));
}

GATESWEEP_EACH_VECTOR_WIDTH void widen_row(Bits const* from, float* to, std::int64_t n) {
    load_block(from, to, n);
}
GATESWEEP_EACH_VECTOR_WIDTH void narrow_row(float const* from, Bits* to, std::int64_t n) {
    for_blocks(
        n, [&](std::int64_t at, std::int64_t here)
               __attribute__((always_inline)) { store_block(from + at, to + at, here); });
}

GATESWEEP_EACH_VECTOR_WIDTH float dot_row(float const* a, float const* b, std::int64_t n) {
    return dot(a, b, n);
}
GATESWEEP_EACH_VECTOR_WIDTH float dot_row(Bits const* a, Bits const* b, std::int64_t n) {
    return dot(a, b, n);
}

GATESWEEP_EACH_VECTOR_WIDTH void rms_norm_row(float const* x, float const* weight, float eps, float* out,
                                              std::int64_t n) {
    rms_norm(x, weight, eps, out, n);
}
GATESWEEP_EACH_VECTOR_WIDTH void rms_norm_row(Bits const* x, Bits const* weight, float eps, Bits* out, std::int64_t n) {
    rms_norm(x, weight, eps, out, n);
}

GATESWEEP_EACH_VECTOR_WIDTH void rms_norm_backward_row(float const* dy, float const* x, float const* weight, float eps,
                                                       float* dx, std::int64_t n) {
    rms_norm_backward(dy, x, weight, eps, dx, n);
}
GATESWEEP_EACH_VECTOR_WIDTH void rms_norm_backward_row(Bits const* dy, Bits const* x, Bits const* weight, float eps,
                                                       Bits* dx, std::int64_t n) {
    rms_norm_backward(dy, x, weight, eps, dx, n);
}

GATESWEEP_EACH_VECTOR_WIDTH void rotate_row(float* first, float* second, float const* cos, float const* sin, float sign,
                                            std::int64_t n) {
    rotate(first, second, cos, sin, sign, n);
}
GATESWEEP_EACH_VECTOR_WIDTH void rotate_row(Bits* first, Bits* second, Bits const* cos, Bits const* sin, float sign,
                                            std::int64_t n) {
    rotate(first, second, cos, sin, sign, n);
}

GATESWEEP_EACH_VECTOR_WIDTH void weighted_sum_row(std::span<float const* const> rows, float const* factors, float* out,
                                                  std::int64_t n) {
    weighted_sum(rows, factors, out, n);
}
GATESWEEP_EACH_VECTOR_WIDTH void weighted_sum_row(std::span<Bits const* const> rows, float const* factors, Bits* out,
                                                  std::int64_t n) {
    weighted_sum(rows, factors, out, n);
}

GATESWEEP_EACH_VECTOR_WIDTH void scaled_row(float const* x, float factor, float* out, std::int64_t n) {
    scaled(x, factor, out, n);
}
GATESWEEP_EACH_VECTOR_WIDTH void scaled_row(Bits const* x, float factor, Bits* out, std::int64_t n) {
    scaled(x, factor, out, n);
}

}  // namespace gatesweep::kernels
