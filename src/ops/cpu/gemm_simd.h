// Kernels from vector multiply-adds, for any vector type V:
//   V::Vec, V::width floats; zero, load, store, broadcast, multiply_add (a * b + c);
//   low_halves, high_halves: bfloat16 pairs [width][2] -> the first, the second of each, as floats.
// Compiled for each instruction set: see gemm_layout.h.
#pragma once

#include "gemm_kernel.h"
#include "gemm_layout.h"

namespace gatesweep::gemm {
namespace {

inline void copy_as_floats(float const* from, float* to) {
    std::memcpy(to, from, 16 * sizeof(float));
}
inline void copy_as_floats(Bfloat16Bits const* from, float* to) {
    for (int i = 0; i < 16; ++i)
        to[i] = widen(from[i]);
}
inline float as_float(float value) {
    return value;
}
inline float as_float(Bfloat16Bits bits) {
    return widen(bits);
}

// [depth][rows] floats, rows at most 16; bfloat16 is widened, and its depth filled up to pairs.
template <class T, class Words>
void pack_as_floats(T const* x, std::int64_t row_stride, std::int64_t rows, std::int64_t depth, std::byte* to) {
    auto* const out = reinterpret_cast<float*>(to);
    std::int64_t const end = depth * rows;
    alignas(64) float in[16 * 16] = {}, turned[16 * 16];
    std::int64_t k = 0;
    for (; k + 16 <= depth; k += 16) {
        for (std::int64_t r = 0; r < rows; ++r)
            copy_as_floats(x + r * row_stride + k, in + 16 * r);
        Words::transpose16(reinterpret_cast<Word const*>(in), 16, reinterpret_cast<Word*>(turned), 16);
        for (std::int64_t i = 0; i < 16; ++i) {
            // Whole vectors while they do not reach past the end: the next row overwrites what is too much.
            std::int64_t const at = (k + i) * rows;
            if (at + 16 <= end) {
                std::memcpy(out + at, turned + 16 * i, 16 * sizeof(float));
            } else {
                for (std::int64_t r = 0; r < rows; ++r)
                    out[at + r] = turned[16 * i + r];
            }
        }
    }
    for (; k < depth; ++k) {
        for (std::int64_t r = 0; r < rows; ++r)
            out[k * rows + r] = as_float(x[r * row_stride + k]);
    }
    if (sizeof(T) < sizeof(float) && depth % 2 != 0)
        std::memset(out + end, 0, static_cast<std::size_t>(rows) * sizeof(float));
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
                                       pack_as_floats<float, Words>,
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
                                               pack_as_floats<Bfloat16Bits, Words>,
                                               multiply_floats<V, MaxRows, Bfloat16Bits>,
                                               store_sums,
                                               pack_panel<Bfloat16Bits, Words>,
                                               transpose_blocks<Words>,
                                               nullptr,
                                               nullptr};

}  // namespace
}  // namespace gatesweep::gemm
