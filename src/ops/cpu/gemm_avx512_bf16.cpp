// vdpbf16ps: two products a lane and instruction, denormals taken as zero.
#ifdef GATESWEEP_X86_KERNELS
#include "gemm_avx512.h"

namespace gatesweep::gemm {
namespace {

// [depth / 2][rows] pairs.
void pack_pairs(Bfloat16Bits const* x, std::int64_t row_stride, std::int64_t rows, std::int64_t depth, std::byte* to) {
    auto* const out = reinterpret_cast<Bfloat16Bits*>(to);
    for (std::int64_t r = 0; r < rows; ++r) {
        Bfloat16Bits const* const row = x + r * row_stride;
        for (std::int64_t k = 0; k + 2 <= depth; k += 2)
            std::memcpy(out + k * rows + 2 * r, row + k, 4);
        if (depth % 2 != 0) {
            out[(depth - 1) * rows + 2 * r] = row[depth - 1];
            out[(depth - 1) * rows + 2 * r + 1] = 0;
        }
    }
}

__m512bh as_pairs(__m512i words) {
    return reinterpret_cast<__m512bh>(words);
}

template <int R>
void multiply_pairs(Word const* rows, Bfloat16Bits const* panel, std::int64_t depth, float* sums, Start start) {
    __m512 left[R], right[R];
    for (int r = 0; r < R; ++r) {
        left[r] = start == Start::zero ? _mm512_setzero_ps() : _mm512_loadu_ps(sums + r * panel_columns);
        right[r] = start == Start::zero ? _mm512_setzero_ps() : _mm512_loadu_ps(sums + r * panel_columns + 16);
    }
    for (std::int64_t k = 0; k < depth; k += 2, rows += R, panel += 2 * panel_columns) {
        prefetch_lines(panel, 2);
        __m512bh const b_left = as_pairs(_mm512_loadu_si512(panel)), b_right = as_pairs(_mm512_loadu_si512(panel + 32));
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) {
            __m512bh const a = as_pairs(_mm512_set1_epi32(static_cast<int>(rows[r])));
            left[r] = _mm512_dpbf16_ps(left[r], a, b_left);
            right[r] = _mm512_dpbf16_ps(right[r], a, b_right);
        }
    }
    for (int r = 0; r < R; ++r) {
        _mm512_storeu_ps(sums + r * panel_columns, left[r]);
        _mm512_storeu_ps(sums + r * panel_columns + 16, right[r]);
    }
}

template <int R>
void multiply(std::byte const* packed, std::int64_t rows, Bfloat16Bits const* panel, std::int64_t depth, float* sums,
              Start start) {
    if (rows == R) {
        multiply_pairs<R>(reinterpret_cast<Word const*>(packed), panel, depth, sums, start);
    } else if constexpr (R > 1) {
        multiply<R - 1>(packed, rows, panel, depth, sums, start);
    }
}

bool runs_here() {
    return has_avx512() && __builtin_cpu_supports("avx512bf16");
}

constexpr Kernel<Bfloat16Bits> pairs_kernel{14,
                                            1,
                                            2,
                                            sizeof(Bfloat16Bits),
                                            pack_pairs,
                                            multiply<14>,
                                            store_sums_512,
                                            pack_panel<Bfloat16Bits, Avx512Words>,
                                            transpose_blocks<Avx512Words>,
                                            nullptr,
                                            nullptr};

}  // namespace

Kernels const avx512_bf16_kernels{"avx512_bf16", runs_here, &float32_kernel<Avx512, Avx512Words, 14>, &pairs_kernel};

}  // namespace gatesweep::gemm
#endif
