// Layout work that all kernels share, compiled once for each instruction set (hence no name with external linkage here:
// the linker would keep one copy, and an older processor would meet instructions it lacks).
//
// Words is a type with transpose16(from, from_stride, to, to_stride): 16 x 16 words of 32 bits.
#pragma once

#include <cstring>

#include "gemm_kernel.h"

namespace gatesweep::gemm {
namespace {

using Word = std::uint32_t __attribute__((may_alias));  // a float32, or a pair of bfloat16

// Panels come from memory when rows are few, and the processor's own prefetch stays behind: measured on a Sapphire
// Rapids core with 8 rows of float32, weights stream 1.6 times as fast when asked for 2 KiB ahead.
constexpr std::int64_t prefetch_bytes = 2048;

inline void prefetch_lines(void const* at, int num_lines) {
    for (int i = 0; i < num_lines; ++i)
        __builtin_prefetch(static_cast<std::byte const*>(at) + prefetch_bytes + 64 * i);
}

struct PlainWords {
    static void transpose16(Word const* from, std::int64_t from_stride, Word* to, std::int64_t to_stride) {
        for (std::int64_t i = 0; i < 16; ++i) {
            for (std::int64_t j = 0; j < 16; ++j)
                to[j * to_stride + i] = from[i * from_stride + j];
        }
    }
};

// 32 x 32 elements, or pairs of 16-bit elements: 32 rows of `columns` words -> `columns` rows of 32 words.
template <class Words>
void transpose_words(Word const* from, std::int64_t columns, Word* to) {
    for (std::int64_t c = 0; c < columns; c += 16) {
        Words::transpose16(from + c, columns, to + c * 32, 32);
        Words::transpose16(from + 16 * columns + c, columns, to + c * 32 + 16, 32);
    }
}

template <class T, class Words>
void pack_panel(T const* weight, std::int64_t row_stride, std::int64_t columns, std::int64_t depth, T* panel) {
    constexpr std::int64_t words = 32 * static_cast<std::int64_t>(sizeof(T)) / 4;  // of 32 elements
    alignas(64) Word block[32 * words];
    for (std::int64_t k = 0; k < depth; k += 32) {
        std::int64_t const here = depth - k < 32 ? depth - k : 32;
        if (here < 32 || columns < 32) std::memset(block, 0, sizeof block);
        for (std::int64_t n = 0; n < columns; ++n) {
            std::memcpy(block + n * words, weight + n * row_stride + k, static_cast<std::size_t>(here) * sizeof(T));
        }
        transpose_words<Words>(block, words, reinterpret_cast<Word*>(panel + k * panel_columns));
    }
}

// A block of a float32 panel is [32 in][32 out], of its transpose [32 out][32 in].
template <class Words>
void transpose_blocks(float const* first_block, std::int64_t panel_stride, std::int64_t num_blocks, float* to) {
    for (std::int64_t b = 0; b < num_blocks; ++b) {
        transpose_words<Words>(reinterpret_cast<Word const*>(first_block + b * panel_stride), 32,
                               reinterpret_cast<Word*>(to + b * 32 * 32));
    }
}

// A block of a bfloat16 panel is [16 pairs of in][32 out]; of its transpose [16 pairs of out][32 in].
template <class Words>
void transpose_blocks(Bfloat16Bits const* first_block, std::int64_t panel_stride, std::int64_t num_blocks,
                      Bfloat16Bits* to) {
    alignas(64) Word rows[32 * 16];  // [32 out][16 pairs of in]
    for (std::int64_t b = 0; b < num_blocks; ++b) {
        auto const* const from = reinterpret_cast<Word const*>(first_block + b * panel_stride);
        Words::transpose16(from, 32, rows, 16);
        Words::transpose16(from + 16, 32, rows + 16 * 16, 16);
        auto* const out = reinterpret_cast<Word*>(to + b * 32 * 32);
        for (std::int64_t pair = 0; pair < 16; ++pair) {
            Word const *first = rows + pair * 32, *second = first + 16;
            for (std::int64_t k = 0; k < 16; ++k) {
                out[pair * 32 + 2 * k] = (first[k] & 0xFFFF) | second[k] << 16;
                out[pair * 32 + 2 * k + 1] = first[k] >> 16 | (second[k] & 0xFFFF0000);
            }
        }
    }
}

inline float widen(Bfloat16Bits bits) {
    std::uint32_t const word = static_cast<std::uint32_t>(bits) << 16;
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
}

// To the nearest, ties to even; NaN stays NaN.
inline Bfloat16Bits narrow(float value) {
    std::uint32_t word;
    std::memcpy(&word, &value, sizeof word);
    std::uint32_t const nearest = (word + 0x7FFF + (word >> 16 & 1)) >> 16;
    return static_cast<Bfloat16Bits>((word & 0x7FFFFFFF) > 0x7F800000 ? 0x7FC0 : nearest);
}

inline void store_sums(float const* sums, std::int64_t rows, std::int64_t columns, float* y, std::int64_t row_stride) {
    for (std::int64_t r = 0; r < rows; ++r) {
        std::memcpy(y + r * row_stride, sums + r * panel_columns, static_cast<std::size_t>(columns) * sizeof(float));
    }
}

inline void store_sums(float const* sums, std::int64_t rows, std::int64_t columns, Bfloat16Bits* y,
                       std::int64_t row_stride) {
    for (std::int64_t r = 0; r < rows; ++r, sums += panel_columns, y += row_stride) {
        if (columns == panel_columns) {
            for (std::int64_t c = 0; c < panel_columns; ++c)
                y[c] = narrow(sums[c]);
        } else {
            for (std::int64_t c = 0; c < columns; ++c)
                y[c] = narrow(sums[c]);
        }
    }
}

}  // namespace
}  // namespace gatesweep::gemm
