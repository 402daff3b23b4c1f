// Launches a kernel on the current stream of a tensor's device: what the .cu files of a layer instantiate their
// launches with.
#pragma once

#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace gatesweep::cuda {

class StreamLauncher {
public:
    explicit StreamLauncher(at::Tensor const& on) : guard_(on.device()), stream_(c10::cuda::getCurrentCUDAStream()) {}

    template <class... Parameters, class... Arguments>
    void operator()(void (*kernel)(Parameters...), dim3 grid, dim3 block, Arguments const&... arguments) const {
        kernel<<<grid, block, 0, stream_>>>(arguments...);
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    }

private:
    c10::cuda::CUDAGuard guard_;
    c10::cuda::CUDAStream stream_;
};

}  // namespace gatesweep::cuda
