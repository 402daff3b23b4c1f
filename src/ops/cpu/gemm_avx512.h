// 512-bit vectors; for the kernels compiled with AVX-512 F and BW. See gemm_layout.h for the linkage.
#pragma once

#include <immintrin.h>

#include "gemm_simd.h"

namespace gatesweep::gemm {
namespace {

struct Avx512 {
    using Vec = __m512;
    static constexpr int width = 16;

    static Vec zero() { return _mm512_setzero_ps(); }
    static Vec load(float const* from) { return _mm512_loadu_ps(from); }
    static void store(float* to, Vec value) { _mm512_storeu_ps(to, value); }
    static Vec broadcast(float const* from) { return _mm512_set1_ps(*from); }
    static Vec multiply_add(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
    static Vec low_halves(Bfloat16Bits const* from) {
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(from), 16));
    }
    static Vec high_halves(Bfloat16Bits const* from) {
        return _mm512_castsi512_ps(
            _mm512_and_si512(_mm512_loadu_si512(from), _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))));
    }
};

struct Avx512Words {
    // Four rounds that exchange ever larger squares: of 1, 2, 4 and 8 words.
    static void transpose16(Word const* from, std::int64_t from_stride, Word* to, std::int64_t to_stride) {
        __m512i a[16], b[16];
        for (int i = 0; i < 16; ++i)
            a[i] = _mm512_loadu_si512(from + i * from_stride);
        for (int i = 0; i < 16; i += 2) {
            b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
            b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
        }
        for (int i = 0; i < 16; i += 4) {
            a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
            a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
            a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
            a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
        }
        for (int i = 0; i < 4; ++i) {
            b[i] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0x88);
            b[i + 4] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0xDD);
            b[i + 8] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0x88);
            b[i + 12] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0xDD);
        }
        for (int i = 0; i < 8; ++i) {
            _mm512_storeu_si512(to + i * to_stride, _mm512_shuffle_i32x4(b[i], b[i + 8], 0x88));
            _mm512_storeu_si512(to + (i + 8) * to_stride, _mm512_shuffle_i32x4(b[i], b[i + 8], 0xDD));
        }
    }
};

// As narrow(), 16 at a time.
inline __m256i narrow_16(float const* from) {
    __m512 const value = _mm512_loadu_ps(from);
    __m512i const word = _mm512_castps_si512(value);
    __m512i const odd = _mm512_and_si512(_mm512_srli_epi32(word, 16), _mm512_set1_epi32(1));
    __m512i const sum = _mm512_add_epi32(_mm512_add_epi32(word, _mm512_set1_epi32(0x7FFF)), odd);
    __mmask16 const is_nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(_mm512_mask_mov_epi32(_mm512_srli_epi32(sum, 16), is_nan, _mm512_set1_epi32(0x7FC0)));
}

inline void store_sums_512(float const* sums, std::int64_t rows, std::int64_t columns, Bfloat16Bits* y,
                           std::int64_t row_stride) {
    if (columns < panel_columns) return store_sums(sums, rows, columns, y, row_stride);
    for (std::int64_t r = 0; r < rows; ++r, sums += panel_columns, y += row_stride) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), narrow_16(sums));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + 16), narrow_16(sums + 16));
    }
}

inline bool has_avx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma");
}

}  // namespace
}  // namespace gatesweep::gemm
