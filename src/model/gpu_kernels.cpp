#include "gatesweep/model/gpu_kernels.h"

#include <cstdlib>
#include <string_view>

namespace gatesweep::device {
namespace {

bool read_choice() {
    char const* const text = std::getenv("GATESWEEP_GPU_KERNELS");
    std::string_view const word = text ? text : "own";
    GATESWEEP_VALIDATE(word == "own" || word == "aten", ExitCode::usage,
                       "GATESWEEP_GPU_KERNELS=\"{}\" is neither own nor aten: unset it, or write one of them", printable(word));
    return word == "own";
}

}  // namespace

bool kernels_wanted() {
    static bool const wanted = read_choice();
    return wanted;
}

std::string kernels_name() { return kernels_wanted() ? "own" : "aten"; }

bool has_kernels_on(at::Device device) { return is_built && device.is_cuda() && kernels_wanted(); }

bool has_kernels(at::Tensor const& x) {
    return has_kernels_on(x.device()) && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

}  // namespace gatesweep::device
