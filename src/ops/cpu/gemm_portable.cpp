// Runs anywhere: vectors of 128 bits that the compiler maps to what the processor has, multiply and add rounded apart.
#include "gemm_simd.h"

namespace gatesweep::gemm {
namespace {

struct Vector4 {
    using Vec = float __attribute__((vector_size(16)));
    using Word = std::uint32_t __attribute__((vector_size(16)));
    static constexpr int width = 4;

    static Vec zero() { return Vec{}; }
    static Vec load(float const* from) {
        Vec value;
        std::memcpy(&value, from, sizeof value);
        return value;
    }
    static void store(float* to, Vec value) { std::memcpy(to, &value, sizeof value); }
    static Vec broadcast(float const* from) { return Vec{*from, *from, *from, *from}; }
    static Vec multiply_add(Vec a, Vec b, Vec c) { return a * b + c; }
    static Vec low_halves(Bfloat16Bits const* from) { return reinterpret_cast<Vec>(words(from) << 16); }
    static Vec high_halves(Bfloat16Bits const* from) { return reinterpret_cast<Vec>(words(from) & 0xFFFF0000U); }

private:
    static Word words(Bfloat16Bits const* from) {
        Word value;
        std::memcpy(&value, from, sizeof value);
        return value;
    }
};

bool runs_here() {
    return true;
}

}  // namespace

Kernels const portable_kernels{"portable", runs_here, &float32_kernel<Vector4, PlainWords, 4>,
                               &widening_kernel<Vector4, PlainWords, 4>};

}  // namespace gatesweep::gemm
