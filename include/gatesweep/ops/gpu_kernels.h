// What all layers with CUDA kernels of their own ask: whether this build has them, whether they take a tensor, in which
// types.
#pragma once

#include <ATen/ATen.h>

#include <string>

#include "gatesweep/base/error.h"

namespace gatesweep::cuda {

#ifdef GATESWEEP_WITH_CUDA
inline constexpr bool is_built = true;
#else
inline constexpr bool is_built = false;
#endif

// Whether GPUs compute with kernels of this program (Setting::gpu_kernels).
bool kernels_wanted();
// "own" or "aten": part of the numerics of a run on GPUs.
std::string kernels_name();

bool has_kernels_on(at::Device device);
// Whether `x` is a GPU's and the kernels take it.
bool has_kernels(at::Tensor const& x);

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

}  // namespace gatesweep::cuda
