#include "cuda_ops.h"
#include "gatesweep/ops/stream_launcher.cuh"
#include "route_kernel.cuh"

namespace gatesweep::cuda {

bool can_route(std::int64_t num_experts) {
    return num_experts <= most_routed_experts;
}

Routing route(at::Tensor const& logits, std::int64_t top_k, RowEditTensors const& edits, at::Tensor const& all_finite) {
    return launch_route(StreamLauncher(logits), logits, top_k, edits, all_finite);
}

}  // namespace gatesweep::cuda
