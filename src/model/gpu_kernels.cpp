#include "gatesweep/model/gpu_kernels.h"

#include "gatesweep/base/environment.h"

namespace gatesweep::device {

bool kernels_wanted() {
    static bool const wanted = word_of_environment("GATESWEEP_GPU_KERNELS", "own", "aten", "own") == "own";
    return wanted;
}

std::string kernels_name() {
    return kernels_wanted() ? "own" : "aten";
}

bool has_kernels_on(at::Device device) {
    return is_built && device.is_cuda() && kernels_wanted();
}

bool has_kernels(at::Tensor const& x) {
    return has_kernels_on(x.device()) && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

}  // namespace gatesweep::device
