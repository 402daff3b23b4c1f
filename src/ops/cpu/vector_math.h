// Arithmetic that the loops compiled for any vector width share (any_width.h): each function is one element's, without
// branches, and stays inside the loop that calls it.
#pragma once

#include <bit>
#include <cstdint>

namespace gatesweep::kernels {

[[gnu::always_inline]] inline float exponential(float x) {
    x = x > 88.0F ? 88.0F : x;
    x = x < -87.0F ? -87.0F : x;
    // x = n ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits; ln 2
    // is taken away in two parts, the first with few bits so that n times it is exact.
    float const shifted = x * 1.44269504F + 12582912.0F, n = shifted - 12582912.0F;
    float const r = (x - n * 0.693359375F) - n * -2.12194440e-4F;
    // Taylor: the terms left out are below r^8 / 8! < 6e-9.
    float p = 1.0F / 5040;
    p = p * r + 1.0F / 720;
    p = p * r + 1.0F / 120;
    p = p * r + 1.0F / 24;
    p = p * r + 1.0F / 6;
    p = p * r + 0.5F;
    p = p * r * r + r + 1.0F;
    return p * std::bit_cast<float>((std::bit_cast<std::uint32_t>(shifted) + 127) << 23);
}

[[gnu::always_inline]] inline float widen(std::uint16_t bits) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// A bfloat16 as a word whose upper half it is: to the nearest, ties to even; NaN stays NaN.
[[gnu::always_inline]] inline std::uint32_t nearest_word(float value) {
    std::uint32_t const word = std::bit_cast<std::uint32_t>(value);
    std::uint32_t const nearest = (word + 0x7FFF + (word >> 16 & 1)) & 0xFFFF0000;
    return (word & 0x7FFFFFFF) > 0x7F800000 ? 0x7FC00000 : nearest;
}

[[gnu::always_inline]] inline float nearest_bfloat16(float value) {
    return std::bit_cast<float>(nearest_word(value));
}

// Loops that mix element sizes are vectorised badly, so bfloat16 rows pass through blocks of floats.
constexpr std::int64_t vector_block = 128;

[[gnu::always_inline]] inline void load_block(std::uint16_t const* from, float* to, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i)
        to[i] = widen(from[i]);
}

[[gnu::always_inline]] inline void store_block(float const* from, std::uint16_t* to, std::int64_t n) {
    std::uint32_t words[vector_block];
    for (std::int64_t i = 0; i < n; ++i)
        words[i] = nearest_word(from[i]);
    for (std::int64_t i = 0; i < n; ++i)
        to[i] = static_cast<std::uint16_t>(words[i] >> 16);
}

// Sum of 16 lanes, halves added to halves.
[[gnu::always_inline]] inline float sum_16(float (&lanes)[16]) {
    for (int width = 8; width > 0; width /= 2) {
        for (int i = 0; i < width; ++i)
            lanes[i] += lanes[i + width];
    }
    return lanes[0];
}

}  // namespace gatesweep::kernels
