// Causal grouped-query attention: over packed sequences, forward and backward, and of single queries over a cache.
//
// A head may have a sink: one more score in every softmax, of no key, that takes its share of the weight and gives
// nothing. Scores are scaled, sinks are not.
//
// On the CPU one output row is one query against its visible keys in ascending order, whatever else is in the batch: a
// sequence's bits depend on that sequence alone.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <span>

namespace gatesweep {

// q [T, H, d], k and v [T, Hkv, d], dense in the last dimension; sequence s is rows [offsets[s], offsets[s+1]).
struct AttentionInput {
    at::Tensor q, k, v;
    std::span<std::int64_t const> offsets;
    std::optional<std::int64_t> window;  // a query sees at most this many keys, itself included
    double scale = 1.0;                  // head_dim^-0.5
    at::Tensor offsets_on_device = {};   // int32, the same; uploaded where a GPU needs them and they are not given
    at::Tensor sinks = {};               // [H]; undefined where there are none
};

struct AttentionGradient {
    at::Tensor dq, dk, dv;  // shaped like q, k, v, contiguous
};

at::Tensor attention(AttentionInput const& in);  // [T, H, d]
AttentionGradient attention_backward(AttentionInput const& in, at::Tensor const& d_output);

}  // namespace gatesweep
