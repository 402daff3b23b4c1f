#ifdef GATESWEEP_X86_KERNELS
#include "gemm_avx512.h"

namespace gatesweep::gemm {

Kernels const avx512_kernels{"avx512", has_avx512, &float32_kernel<Avx512, Avx512Words, 14>,
                             &widening_kernel<Avx512, Avx512Words, 12>};

}  // namespace gatesweep::gemm
#endif
