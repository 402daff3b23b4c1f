#include "gate_gradient_kernel.cuh"
#include "gatesweep/ops/stream_launcher.cuh"

namespace gatesweep::cuda {

at::Tensor gate_gradient(GateGradientInput const& in, at::Tensor const& offsets) {
    return launch_gate_gradient(StreamLauncher(in.router_input), in, offsets);
}

}  // namespace gatesweep::cuda
