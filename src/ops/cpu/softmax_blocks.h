// Softmax of attention scores in the blocks that matrix products leave them in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "gemm_kernel.h"
#include "gemm_scratch.h"

namespace gatesweep::kernels {

// Softmax of scores in place. They stand in blocks of 32 keys from key `first_key` on, each block `stride` after the
// one before; keys outside [first, last] get 0. `sink` is one more score, of no key, and not scaled: it takes its share
// and gives nothing (no_sink: there is none).
inline constexpr float no_sink = -std::numeric_limits<float>::infinity();
void softmax_blocks(float* scores, std::int64_t stride, std::int64_t num_blocks, std::int64_t first_key,
                    std::int64_t first, std::int64_t last, float scale, float sink);

// ds = p * (dp - sum of p * dp) * scale, into dp.
void softmax_backward_blocks(float const* p, float* dp, std::int64_t stride, std::int64_t num_blocks, float scale);

}  // namespace gatesweep::kernels
