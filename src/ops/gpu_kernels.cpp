#include "gatesweep/ops/gpu_kernels.h"

#include "gatesweep/base/settings.h"

namespace gatesweep::cuda {

bool kernels_wanted() {
    static bool const wanted = setting_word(Setting::gpu_kernels) == "own";
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

}  // namespace gatesweep::cuda
