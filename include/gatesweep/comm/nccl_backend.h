// Rows between GPUs by NCCL, as a back end of TensorCollectives.
#pragma once

#include <cstddef>
#include <memory>

#include "gatesweep/comm/nccl_api.h"
#include "gatesweep/comm/tensor_collectives.h"

namespace gatesweep {

struct NcclOptions {
    double timeout_seconds = 300;                        // for one call, and for everything enqueued before a wait
    std::size_t max_piece_bytes = std::size_t{1} << 30;  // longer blocks travel in pieces of this size
};

// GATESWEEP_NCCL_TIMEOUT=seconds. Errors: ExitCode::usage for what is not a number above 0.
NcclOptions nccl_options_from_environment();

// Collective over the communicator, one device a rank. Errors: unavailable when versions do not fit; io as
// TensorCollectives::wait says.
std::unique_ptr<TensorCollectives::Backend> make_nccl_backend(Communicator const& communicator, at::Device device,
                                                              std::shared_ptr<NcclApi> api, NcclOptions options);

}  // namespace gatesweep
