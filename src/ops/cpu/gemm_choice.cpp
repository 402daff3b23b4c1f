#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>

#include "gatesweep/base/error.h"
#include "gatesweep/base/settings.h"
#include "gatesweep/ops/linear.h"
#include "gemm_kernel.h"

namespace gatesweep {
namespace {

using gemm::Kernels;

// Best first.
std::vector<Kernels const*> kernels_of_this_machine() {
    std::vector<Kernels const*> result;
    for (Kernels const* kernels : {
#ifdef GATESWEEP_X86_KERNELS
             &gemm::amx_kernels, &gemm::avx512_bf16_kernels, &gemm::avx512_kernels, &gemm::avx2_kernels,
#endif
             &gemm::portable_kernels}) {
        if (kernels->runs_here()) result.push_back(kernels);
    }
    return result;
}

Kernels const* find_kernels(std::string const& name, std::string const& asked_by) {
    for (Kernels const* kernels : kernels_of_this_machine()) {
        if (kernels->name == name) return kernels;
    }
    fail(ExitCode::unavailable, "{} asks for the matrix product \"{}\", which this processor does not have: it has {}",
         asked_by, printable(name), fmt::join(gemm_kernel_names(), ", "));
}

Kernels const* choose_kernels() {
    std::string const wanted = setting_word(Setting::gemm);
    if (wanted == facts_of(Setting::gemm).words[0]) return kernels_of_this_machine().front();
    return find_kernels(wanted, "GATESWEEP_GEMM, or gemm in [parallel],");
}

std::atomic<Kernels const*>& chosen() {
    static std::atomic<Kernels const*> kernels{choose_kernels()};
    return kernels;
}

}  // namespace

gemm::Kernels const& gemm::active_kernels() {
    return *chosen();
}

std::string gemm_kernel_name() {
    return gemm::active_kernels().name;
}

std::vector<std::string> gemm_kernel_names() {
    std::vector<std::string> names;
    for (Kernels const* kernels : kernels_of_this_machine())
        names.emplace_back(kernels->name);
    return names;
}

void use_gemm_kernel(std::string const& name) {
    chosen() = find_kernels(name, "the program");
}

}  // namespace gatesweep
