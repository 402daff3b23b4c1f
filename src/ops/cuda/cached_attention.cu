#include "cached_attention_kernel.cuh"
#include "cuda_ops.h"
#include "gatesweep/ops/cached_attention.h"
#include "gatesweep/ops/stream_launcher.cuh"
#include "gatesweep/ops/upload.h"

namespace gatesweep::cuda {

bool can_attend(std::int64_t head_dim) {
    return head_dim <= most_lane_columns * warp_size;
}

at::Tensor cached_attention(CachedAttentionInput const& in) {
    auto const there = [&](at::Tensor const& given, std::span<std::int64_t const> values) {
        return given.defined() ? given : upload(values, in.q.device());
    };
    return launch_cached_attention(StreamLauncher(in.q), in, there(in.slots_on_device, in.slots),
                                   there(in.positions_on_device, in.positions));
}

}  // namespace gatesweep::cuda
