#include "commands.h"

#include <ATen/ATen.h>
#include <ATen/Version.h>
#include <fmt/ranges.h>

#include <cstdio>

#include "gatesweep/base/build_config.h"
#include "gatesweep/comm/cuda_aware_mpi.h"
#include "gatesweep/comm/devices.h"
#include "gatesweep/comm/mpi_session.h"
#include "gatesweep/comm/nccl_api.h"
#include "gatesweep/ops/linear.h"
#include "linked_libraries.h"

namespace gatesweep {

static void print_gpus() {
    auto const nccl = nccl_library();
    if (!nccl) {
        std::printf("NCCL        none (built without CUDA)\nGPUs        none (built without CUDA)\n");
        return;
    }
    std::printf("NCCL        built with %s, loaded %s\n", nccl_version_text(nccl->built_version()).c_str(),
                nccl_version_text(nccl->loaded_version()).c_str());
    CudaVersions const cuda = cuda_versions();
    std::printf("CUDA        runtime %s, driver %s\n", cuda_version_text(cuda.runtime).c_str(),
                cuda.driver > 0 ? ("for CUDA " + cuda_version_text(cuda.driver)).c_str() : "none");
    auto const devices = visible_devices();
    if (devices.empty()) std::printf("GPUs        none visible to rank 0\n");
    for (std::size_t i = 0; i < devices.size(); ++i) {
        std::printf("%-11s %zu: %s, %.1f GB, %s\n", i == 0 ? "GPUs" : "", i, devices[i].name.c_str(),
                    static_cast<double>(devices[i].memory) / 1e9, devices[i].bus_id.c_str());
    }
    validate_nccl_version(nccl->built_version(), nccl->loaded_version());
}

void print_info(Communicator const& world) {
    if (world.rank() != 0) return;
    std::printf("gatesweep   %s (%s, %s, %s)\n", GATESWEEP_VERSION, GATESWEEP_GIT_REVISION, GATESWEEP_BUILD_TYPE,
                GATESWEEP_COMPILER);
    std::printf("libtorch    %s, CPU capability %s\n", GATESWEEP_LIBTORCH_VERSION, at::get_cpu_capability().c_str());
    std::printf("products    %s (this processor has %s)\n", gemm_kernel_name().c_str(),
                fmt::format("{}", fmt::join(gemm_kernel_names(), ", ")).c_str());
    std::printf("MPI         %s; CUDA-aware: %s\n", mpi_library_version().c_str(), cuda_aware_mpi().c_str());
    std::printf("libraries   %s\n", linked_libraries().c_str());
    print_gpus();
    std::printf("ranks       %d\n\n%s\n", world.size(), at::show_config().c_str());
}

}  // namespace gatesweep
