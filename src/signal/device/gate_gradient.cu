#include "gate_gradient_kernel.cuh"
#include "gatesweep/model/stream_launcher.cuh"

namespace gatesweep::device {

at::Tensor gate_gradient(GateGradientInput const& in, at::Tensor const& offsets) {
    return launch_gate_gradient(StreamLauncher(in.router_input), in, offsets);
}

}  // namespace gatesweep::device
