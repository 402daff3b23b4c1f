#ifdef GATESWEEP_X86_KERNELS
#include <immintrin.h>

#include "gemm_simd.h"

namespace gatesweep::gemm {
namespace {

struct Avx2 {
    using Vec = __m256;
    static constexpr int width = 8;

    static Vec zero() { return _mm256_setzero_ps(); }
    static Vec load(float const* from) { return _mm256_loadu_ps(from); }
    static void store(float* to, Vec value) { _mm256_storeu_ps(to, value); }
    static Vec broadcast(float const* from) { return _mm256_broadcast_ss(from); }
    static Vec multiply_add(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
    static Vec low_halves(Bfloat16Bits const* from) { return _mm256_castsi256_ps(_mm256_slli_epi32(words(from), 16)); }
    static Vec high_halves(Bfloat16Bits const* from) {
        return _mm256_castsi256_ps(_mm256_and_si256(words(from), _mm256_set1_epi32(static_cast<int>(0xFFFF0000U))));
    }

private:
    static __m256i words(Bfloat16Bits const* from) {
        return _mm256_loadu_si256(reinterpret_cast<__m256i const*>(from));
    }
};

bool runs_here() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

}  // namespace

Kernels const avx2_kernels{"avx2", runs_here, &float32_kernel<Avx2, PlainWords, 6>,
                           &widening_kernel<Avx2, PlainWords, 5>};

}  // namespace gatesweep::gemm
#endif
