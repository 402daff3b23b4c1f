// What all layers with CUDA kernels of their own ask: whether this build has them, whether they take a tensor, in which
// types.
#pragma once

#include <ATen/ATen.h>

#include "gatesweep/base/error.h"

namespace gatesweep {

namespace device {

#ifdef GATESWEEP_WITH_CUDA
inline constexpr bool is_built = true;
#else
inline constexpr bool is_built = false;
#endif

// body(a null pointer of the type): float32 and bfloat16 have kernels.
template <class Body>
void for_stored_type(at::ScalarType dtype, Body const& body) {
    GATESWEEP_EXPECT(dtype == at::kFloat || dtype == at::kBFloat16);
    if (dtype == at::kFloat) {
        body(static_cast<float const*>(nullptr));
    } else {
        body(static_cast<at::BFloat16 const*>(nullptr));
    }
}

}  // namespace device

namespace off_cpu {

// Whether `x` is a GPU's and the kernels take it. GATESWEEP_GPU_KERNELS=aten leaves them out, to compare.
// Errors: ExitCode::usage when GATESWEEP_GPU_KERNELS is neither own nor aten.
bool has_kernels(at::Tensor const& x);

}  // namespace off_cpu

}  // namespace gatesweep
