#include "layer_norm_rows.h"

#include <cmath>

#include "row_blocks.h"
#include "vector_widths.h"

namespace gatesweep::kernels {
namespace {

// Mean and inverse deviation of a row.
struct Moments {
    float mean, scale;
};

template <class T>
[[gnu::always_inline]] inline Moments moments(T const* x, float eps, std::int64_t n) {
    float sums[lanes] = {}, squares[lanes] = {}, a[vector_block], ones[vector_block];
    for (float& one : ones)
        one = 1.0F;
    for_blocks(
        n, [&](std::int64_t at, std::int64_t here) __attribute__((always_inline)) {
            load_block(x + at, a, here);
            add_products(a, ones, here, sums);
        });
    auto const size = static_cast<float>(n);
    float const mean = sum_16(sums) / size;
    for_blocks(
        n, [&](std::int64_t at, std::int64_t here) __attribute__((always_inline)) {
            load_block(x + at, a, here);
            for (std::int64_t i = 0; i < here; ++i)
                a[i] -= mean;
            add_products(a, a, here, squares);
        });
    return {mean, 1.0F / std::sqrt(sum_16(squares) / size + eps)};
}

template <class T>
[[gnu::always_inline]] inline void layer_norm(T const* x, T const* weight, T const* bias, float eps, T* out,
                                              std::int64_t n) {
    Moments const m = moments(x, eps, n);
    float a[vector_block], w[vector_block], b[vector_block];
    for_blocks(
        n, [&](std::int64_t at, std::int64_t here) __attribute__((always_inline)) {
            load_block(x + at, a, here);
            load_block(weight + at, w, here);
            load_block(bias + at, b, here);
            for (std::int64_t i = 0; i < here; ++i)
                a[i] = (a[i] - m.mean) * m.scale * w[i] + b[i];
            store_block(a, out + at, here);
        });
}

template <class T>
[[gnu::always_inline]] inline void layer_norm_backward(T const* dy, T const* x, T const* weight, float eps, T* dx,
                                                       std::int64_t n) {
    Moments const m = moments(x, eps, n);
    float sums[lanes] = {}, products[lanes] = {}, a[vector_block], g[vector_block], w[vector_block];
    float ones[vector_block];
    for (float& one : ones)
        one = 1.0F;
    auto const load = [&](std::int64_t at, std::int64_t here) __attribute__((always_inline)) {
        load_block(x + at, a, here);
        load_block(dy + at, g, here);
        load_block(weight + at, w, here);
        for (std::int64_t i = 0; i < here; ++i) {
            a[i] = (a[i] - m.mean) * m.scale;
            g[i] *= w[i];
        }
    };
    for_blocks(
        n, [&](std::int64_t at, std::int64_t here) __attribute__((always_inline)) {
            load(at, here);
            add_products(g, ones, here, sums);
            add_products(g, a, here, products);
        });
    auto const size = static_cast<float>(n);
    float const mean = sum_16(sums) / size, along = sum_16(products) / size;
    for_blocks(
        n, [&](std::int64_t at, std::int64_t here) __attribute__((always_inline)) {
            load(at, here);
            for (std::int64_t i = 0; i < here; ++i)
                a[i] = (g[i] - mean - a[i] * along) * m.scale;
            store_block(a, dx + at, here);
        });
}

}  // namespace

GATESWEEP_EACH_VECTOR_WIDTH void layer_norm_row(float const* x, float const* weight, float const* bias, float eps,
                                                float* out, std::int64_t n) {
    layer_norm(x, weight, bias, eps, out, n);
}
GATESWEEP_EACH_VECTOR_WIDTH void layer_norm_row(Bits const* x, Bits const* weight, Bits const* bias, float eps,
                                                Bits* out, std::int64_t n) {
    layer_norm(x, weight, bias, eps, out, n);
}

GATESWEEP_EACH_VECTOR_WIDTH void layer_norm_backward_row(float const* dy, float const* x, float const* weight,
                                                         float eps, float* dx, std::int64_t n) {
    layer_norm_backward(dy, x, weight, eps, dx, n);
}
GATESWEEP_EACH_VECTOR_WIDTH void layer_norm_backward_row(Bits const* dy, Bits const* x, Bits const* weight, float eps,
                                                         Bits* dx, std::int64_t n) {
    layer_norm_backward(dy, x, weight, eps, dx, n);
}

}  // namespace gatesweep::kernels
