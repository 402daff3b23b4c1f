// Attention of single queries over a cache of keys and values.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <span>

namespace gatesweep {

// Row i of q [n, H, d] is a query at position positions[i] over the cached rows 0 to positions[i] (its own among them)
// of slot slots[i]: k and v [slots, Hkv, capacity, d]. The bits of a row are those that attention() gives for that
// position.
struct CachedAttentionInput {
    at::Tensor q, k, v;
    std::span<std::int64_t const> slots;      // [n]
    std::span<std::int64_t const> positions;  // [n]
    std::optional<std::int64_t> window;
    double scale = 1.0;
    // The same on the device; uploaded where a GPU needs them and they are not given.
    at::Tensor slots_on_device = {}, positions_on_device = {};
    at::Tensor sinks = {};  // [H], as attention() takes them
};

at::Tensor cached_attention(CachedAttentionInput const& in);  // [n, H, d]

}  // namespace gatesweep
