#include "softmax_blocks.h"

#include <bit>
#include <limits>

#include "head_attention.h"
#include "vector_math.h"
#include "vector_widths.h"

namespace gatesweep::kernels {
namespace {

constexpr int lanes = 32;

[[gnu::always_inline]] inline float sum_32(float (&x)[lanes]) {
    float half[16];
    for (int i = 0; i < 16; ++i)
        half[i] = x[i] + x[i + 16];
    return sum_16(half);
}

}  // namespace

GATESWEEP_EACH_VECTOR_WIDTH void softmax_blocks(float* scores, std::int64_t stride, std::int64_t num_blocks,
                                                std::int64_t first_key, std::int64_t first, std::int64_t last,
                                                float scale, float sink) {
    constexpr float hidden = -std::numeric_limits<float>::infinity();
    float largest[lanes], sum[lanes];
    for (int c = 0; c < lanes; ++c)
        largest[c] = hidden, sum[c] = 0.0F;
    for (std::int64_t b = 0; b < num_blocks; ++b) {
        float* const s = scores + b * stride;
        auto const low = static_cast<std::int32_t>(first - first_key - b * lanes),
                   high = static_cast<std::int32_t>(last - first_key - b * lanes);
        for (std::int32_t c = 0; c < lanes; ++c) {
            float const z = c >= low && c <= high ? s[c] * scale : hidden;
            s[c] = z;
            largest[c] = z > largest[c] ? z : largest[c];
        }
    }
    float top = sink;
    for (int c = 0; c < lanes; ++c)
        top = largest[c] > top ? largest[c] : top;
    for (std::int64_t b = 0; b < num_blocks; ++b) {
        float* const s = scores + b * stride;
        for (int c = 0; c < lanes; ++c) {
            float const e = exponential(s[c] - top);
            s[c] = s[c] == hidden ? 0.0F : e;
            sum[c] += s[c];
        }
    }
    float const of_sink = sink == no_sink ? 0.0F : exponential(sink - top);
    float const inverse = 1.0F / (sum_32(sum) + of_sink);
    for (std::int64_t b = 0; b < num_blocks; ++b) {
        float* const s = scores + b * stride;
        for (int c = 0; c < lanes; ++c)
            s[c] *= inverse;
    }
}

GATESWEEP_EACH_VECTOR_WIDTH void softmax_backward_blocks(float const* p, float* dp, std::int64_t stride,
                                                         std::int64_t num_blocks, float scale) {
    float sum[lanes];
    for (int c = 0; c < lanes; ++c)
        sum[c] = 0.0F;
    for (std::int64_t b = 0; b < num_blocks; ++b) {
        for (int c = 0; c < lanes; ++c)
            sum[c] += p[b * stride + c] * dp[b * stride + c];
    }
    float const mean = sum_32(sum);
    for (std::int64_t b = 0; b < num_blocks; ++b) {
        float* const d = dp + b * stride;
        for (int c = 0; c < lanes; ++c)
            d[c] = p[b * stride + c] * (d[c] - mean) * scale;
    }
}

}  // namespace gatesweep::kernels
