#include "cached_attention_kernel.cuh"
#include "device_ops.h"
#include "stream_launcher.cuh"

namespace gatesweep::device {

at::Tensor cached_attention(CachedAttentionInput const& in, at::Tensor const& slots, at::Tensor const& positions) {
    return launch_cached_attention(StreamLauncher(in.q), in, slots, positions);
}

}  // namespace gatesweep::device
