// Kernels from vector multiply-adds, for any vector type V:
//   V::Vec, V::width floats; zero, load, store, broadcast, multiply_add (a * b + c);
//   low_halves, high_halves: bfloat16 pairs [width][2] -> the first, the second of each, as floats.
// Compiled for each instruction set: see gemm_layout.h.
#pragma once

#include "gemm_kernel.h"
#include "gemm_layout.h"

namespace gatesweep::gemm {
namespace {

// [depth][rows] floats; bfloat16 is widened, and its depth filled up to pairs.
inline void pack_as_floats(float const* x, std::int64_t row_stride, std::int64_t rows, std::int64_t depth,
                           std::byte* to) {
    auto* const out = reinterpret_cast<float*>(to);
    for (std::int64_t k = 0; k < depth; ++k) {
        for (std::int64_t r = 0; r < rows; ++r)
            out[k * rows + r] = x[r * row_stride + k];
    }
}

inline void pack_as_floats(Bfloat16Bits const* x, std::int64_t row_stride, std::int64_t rows, std::int64_t depth,
                           std::byte* to) {
    auto* const out = reinterpret_cast<float*>(to);
    for (std::int64_t k = 0; k < depth; ++k) {
        for (std::int64_t r = 0; r < rows; ++r)
            out[k * rows + r] = widen(x[r * row_stride + k]);
    }
    if (depth % 2 != 0) std::memset(out + depth * rows, 0, static_cast<std::size_t>(rows) * sizeof(float));
}

// R rows by two vectors of columns stay in registers over the whole depth.
template <class V, int R>
void multiply_rows(float const* rows, float const* panel, std::int64_t depth, float* sums, Start start) {
    using Vec = typename V::Vec;
    for (std::int64_t c = 0; c < panel_columns; c += 2 * V::width) {
        Vec left[R], right[R];
        for (int r = 0; r < R; ++r) {
            left[r] = start == Start::zero ? V::zero() : V::load(sums + r * panel_columns + c);
            right[r] = start == Start::zero ? V::zero() : V::load(sums + r * panel_columns + c + V::width);
        }
        float const *b = panel + c, *a = rows;
        for (std::int64_t k = 0; k < depth; ++k, a += R, b += panel_columns) {
            if (c == 0) prefetch_lines(b, 2);
            Vec const b_left = V::load(b), b_right = V::load(b + V::width);
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) {
                Vec const a_r = V::broadcast(a + r);
                left[r] = V::multiply_add(a_r, b_left, left[r]);
                right[r] = V::multiply_add(a_r, b_right, right[r]);
            }
        }
        for (int r = 0; r < R; ++r) {
            V::store(sums + r * panel_columns + c, left[r]);
            V::store(sums + r * panel_columns + c + V::width, right[r]);
        }
    }
}

template <class V, int R>
void multiply_rows(float const* rows, Bfloat16Bits const* panel, std::int64_t depth, float* sums, Start start) {
    using Vec = typename V::Vec;
    for (std::int64_t c = 0; c < panel_columns; c += 2 * V::width) {
        Vec left[R], right[R];
        for (int r = 0; r < R; ++r) {
            left[r] = start == Start::zero ? V::zero() : V::load(sums + r * panel_columns + c);
            right[r] = start == Start::zero ? V::zero() : V::load(sums + r * panel_columns + c + V::width);
        }
        float const* a = rows;
        Bfloat16Bits const* b = panel + 2 * c;
        for (std::int64_t k = 0; k < depth; k += 2, b += 2 * panel_columns) {
            if (c == 0) prefetch_lines(b, 2);
            Vec b_left = V::low_halves(b), b_right = V::low_halves(b + 2 * V::width);
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) {
                Vec const a_r = V::broadcast(a + r);
                left[r] = V::multiply_add(a_r, b_left, left[r]);
                right[r] = V::multiply_add(a_r, b_right, right[r]);
            }
            a += R;
            b_left = V::high_halves(b);
            b_right = V::high_halves(b + 2 * V::width);
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) {
                Vec const a_r = V::broadcast(a + r);
                left[r] = V::multiply_add(a_r, b_left, left[r]);
                right[r] = V::multiply_add(a_r, b_right, right[r]);
            }
            a += R;
        }
        for (int r = 0; r < R; ++r) {
            V::store(sums + r * panel_columns + c, left[r]);
            V::store(sums + r * panel_columns + c + V::width, right[r]);
        }
    }
}

// From a number of rows to the code for it: at most R.
template <class V, int R, class T>
void multiply_floats(std::byte const* packed, std::int64_t rows, T const* panel, std::int64_t depth, float* sums,
                     Start start) {
    if (rows == R) {
        multiply_rows<V, R>(reinterpret_cast<float const*>(packed), panel, depth, sums, start);
    } else if constexpr (R > 1) {
        multiply_floats<V, R - 1>(packed, rows, panel, depth, sums, start);
    }
}

template <class V, class Words, int MaxRows>
constexpr Kernel<float> float32_kernel{MaxRows,
                                       1,
                                       1,
                                       sizeof(float),
                                       pack_as_floats,
                                       multiply_floats<V, MaxRows, float>,
                                       store_sums,
                                       pack_panel<float, Words>,
                                       transpose_blocks<Words>,
                                       nullptr,
                                       nullptr};

template <class V, class Words, int MaxRows>
constexpr Kernel<Bfloat16Bits> widening_kernel{MaxRows,
                                               1,
                                               2,
                                               sizeof(float),
                                               pack_as_floats,
                                               multiply_floats<V, MaxRows, Bfloat16Bits>,
                                               store_sums,
                                               pack_panel<Bfloat16Bits, Words>,
                                               transpose_blocks<Words>,
                                               nullptr,
                                               nullptr};

}  // namespace
}  // namespace gatesweep::gemm
