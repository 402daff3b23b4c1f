#include <ATen/ATen.h>
#include <ATen/Version.h>
#include <fmt/ranges.h>

#include <cstdio>

#include "commands.h"
#include "gatesweep/base/build_config.h"
#include "gatesweep/comm/tensor_collectives.h"
#include "gatesweep/model/linear.h"

namespace gatesweep {

void print_info(Communicator const& world) {
    if (world.rank() != 0) return;
    std::printf("gatesweep   %s (%s, %s, %s)\n", GATESWEEP_VERSION, GATESWEEP_GIT_REVISION, GATESWEEP_BUILD_TYPE, GATESWEEP_COMPILER);
    std::printf("libtorch    %s, CPU capability %s\n", GATESWEEP_LIBTORCH_VERSION, at::get_cpu_capability().c_str());
    std::printf("products    %s (this processor has %s)\n", gemm_kernel_name().c_str(), fmt::format("{}", fmt::join(gemm_kernel_names(), ", ")).c_str());
    std::printf("MPI         %s\n", mpi_library_version().c_str());
    std::printf("NCCL        %s\n", nccl_version().c_str());
    std::printf("ranks       %d\n\n%s\n", world.size(), at::show_config().c_str());
}

}  // namespace gatesweep
