#include "cuda_ops.h"
#include "gatesweep/ops/stream_launcher.cuh"
#include "norm_kernel.cuh"
#include "row_kernels.cuh"
#include "row_sums_kernel.cuh"

namespace gatesweep::cuda {

at::Tensor rms_norm(at::Tensor const& x, at::Tensor const& weight, double eps) {
    return launch_rms_norm(StreamLauncher(x), x, weight, eps);
}

at::Tensor rms_norm_backward(at::Tensor const& dy, at::Tensor const& x, at::Tensor const& weight, double eps) {
    return launch_rms_norm_backward(StreamLauncher(x), dy, x, weight, eps);
}

at::Tensor swiglu(at::Tensor const& gate_up) {
    return launch_swiglu(StreamLauncher(gate_up), gate_up);
}

at::Tensor swiglu_backward(at::Tensor const& d_activation, at::Tensor const& gate_up) {
    return launch_swiglu_backward(StreamLauncher(gate_up), d_activation, gate_up);
}

void rotate_heads(at::Tensor const& x, at::Tensor const& positions, RotaryTable const& table, Rotation rotation) {
    launch_rotate_heads(StreamLauncher(x), x, positions, table, rotation);
}

at::Tensor row_sums(at::Tensor const& x) {
    return launch_row_sums(StreamLauncher(x), x);
}

}  // namespace gatesweep::cuda
