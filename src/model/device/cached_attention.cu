#include "cached_attention_kernel.cuh"
#include "device_ops.h"
#include "gatesweep/model/stream_launcher.cuh"

namespace gatesweep::device {

bool can_attend(std::int64_t head_dim) { return head_dim <= most_lane_columns * warp_size; }

at::Tensor cached_attention(CachedAttentionInput const& in, at::Tensor const& slots, at::Tensor const& positions) {
    return launch_cached_attention(StreamLauncher(in.q), in, slots, positions);
}

}  // namespace gatesweep::device
