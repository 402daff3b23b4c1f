#include "gatesweep/comm/cuda_aware_mpi.h"

#include <mpi.h>
#if __has_include(<mpi-ext.h>)  // Open MPI and those that follow it
#include <mpi-ext.h>
#endif

namespace gatesweep {

std::string cuda_aware_mpi() {
#ifdef MPIX_CUDA_AWARE_SUPPORT
    return MPIX_Query_cuda_support() == 1 ? "yes" : "no";
#else
    return "unknown (this MPI does not tell)";
#endif
}

}  // namespace gatesweep
