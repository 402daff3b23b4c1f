#include "combine_kernel.cuh"
#include "cuda_ops.h"
#include "gatesweep/ops/stream_launcher.cuh"

namespace gatesweep::cuda {

at::Tensor combine(at::Tensor const& slot_outputs, at::Tensor const& routing_weights) {
    return launch_combine(StreamLauncher(slot_outputs), slot_outputs, routing_weights);
}

CombineGradient combine_backward(at::Tensor const& dy, at::Tensor const& slot_outputs,
                                 at::Tensor const& routing_weights) {
    return launch_combine_backward(StreamLauncher(dy), dy, slot_outputs, routing_weights);
}

}  // namespace gatesweep::cuda
