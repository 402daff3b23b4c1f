// Private to model: the 4-bit floats of MXFP4 (OCP Microscaling Formats), as Hugging Face transformers stores them.
//
// A row is blocks of 32 values: 16 bytes, of which each holds two values, the lower half first, and in another tensor a
// byte of scale s for the block: every value is times 2^(s - 127). 255 is no scale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gatesweep::mxfp4 {

inline constexpr std::int64_t block_values = 32, block_bytes = 16;
inline constexpr std::byte no_scale{255};

// blocks [n,16], scales [n] -> out [n,32]. Exact, also rounded to bfloat16: a value has two significant bits. Beyond
// float32's range it is infinite.
void unpack(std::span<std::byte const> blocks, std::span<std::byte const> scales, std::span<float> out);

}  // namespace gatesweep::mxfp4
