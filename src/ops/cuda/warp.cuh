// Sums over the 32 lanes of a warp, in a fixed order: every lane has the same bits in the end.
#pragma once

namespace gatesweep::cuda {

inline constexpr int warp_size = 32;

template <class T>
__device__ inline T warp_sum(T value) {
    for (unsigned mask = warp_size / 2; mask > 0; mask /= 2)
        value += __shfl_xor_sync(0xffffffffU, value, mask);
    return value;
}

}  // namespace gatesweep::cuda
