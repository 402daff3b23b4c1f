// Random numbers that are the same everywhere: the distributions of the standard library give others elsewhere.
#pragma once

#include <cstdint>
#include <random>

namespace gatesweep {

// Uniform below `bound`, which is above 0.
inline std::uint64_t uniform_below(std::uint64_t bound, std::mt19937_64& random) {
    std::uint64_t const excess = (0 - bound) % bound;  // 2^64 mod bound
    std::uint64_t value = random();
    while (value < excess)
        value = random();
    return value % bound;
}

}  // namespace gatesweep
