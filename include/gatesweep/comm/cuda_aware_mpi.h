// Whether MPI takes pointers to GPU memory: "yes", "no", or that it does not tell. Nothing here depends on it: rows
// between GPUs go over NCCL.
#pragma once

#include <string>

namespace gatesweep {

std::string cuda_aware_mpi();

}  // namespace gatesweep
