// One decoder layer: attention and mixture of experts, or a network that every token goes to; forward over whole
// sequences, backward to its input, and one token further over cached sequences.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "gatesweep/model/kv_cache.h"
#include "gatesweep/model/model_config.h"
#include "gatesweep/model/packed_batch.h"
#include "gatesweep/model/token_dispatcher.h"
#include "gatesweep/model/weights.h"
#include "gatesweep/ops/attention.h"
#include "gatesweep/ops/router.h"
#include "gatesweep/ops/row_ops.h"

namespace gatesweep {

// What the backward pass needs of a layer. With `input` alone the rest is computed again.
struct LayerTape {
    at::Tensor input = {};  // [T,D]
    at::Tensor heads = {};  // [T,H+2Hkv,d] before norms and limits, undefined where there are none; or [T,width]
    at::Tensor q = {}, k = {}, v = {};  // rotated, [T,H,d], [T,Hkv,d], [T,Hkv,d]
    at::Tensor after_attention = {};    // [T,D]
    at::Tensor router_input = {};       // [T,D] the normalised hidden states that the router and the experts see
    Routing routing = {};               // without experts in a layer without a router, and so is what follows
    DispatchRecord dispatch = {};
    at::Tensor expert_inputs = {};  // [R,D], where experts have adapters
    at::Tensor gate_up = {};        // [R,2F]
    at::Tensor slot_outputs = {};   // [T*K,D]
    SharedTape shared = {};

    bool is_routed() const { return routing.expert_ids.defined(); }
    // Bytes that a tape of `num_tokens` tokens takes on a rank that also receives `num_tokens` tokens' slots.
    static std::uint64_t num_bytes(ModelConfig const& config, std::int64_t num_tokens, std::size_t element_size);
};

// What stays the same from layer to layer.
struct LayerContext {
    ModelConfig const& config;
    TokenDispatcher const& dispatcher;
    RotaryTable const& rotary;
    PackedBatch const& batch;
};

// [T,E] of the router's input [T,D], before edits.
at::Tensor router_logits(LayerWeights const& weights, at::Tensor const& router_input);

// Output [T,D]; the tape is filled in.
at::Tensor layer_forward(LayerContext const& context, LayerWeights const& weights, at::Tensor const& input,
                         LayerTape& tape, RowEdits const& edits = {});

// Its three steps. Between them rows are on their way between ranks: the time for a step of another batch.
SlotsUnderWay forward_to_experts(LayerContext const& context, LayerWeights const& weights, at::Tensor const& input,
                                 LayerTape& tape, RowEdits const& edits = {});
SlotsUnderWay forward_through_experts(TokenDispatcher const& dispatcher, LayerWeights const& weights, LayerTape& tape,
                                      SlotsUnderWay slots);
at::Tensor forward_from_experts(LayerTape& tape, SlotsUnderWay slots);

// What the experts here make of gathered rows, for return_slots. Where no product groups rows on the device (linear.h)
// the host waits for the offsets, once.
at::Tensor gathered_experts_forward(TokenDispatcher const& dispatcher, ExpertWeights const& experts,
                                    GatheredTokens const& gathered);

// The next token of cached sequences: row i of the input [n,D] is position positions[i] of slot slots[i], and is added
// to the cache. Bit for bit what layer_forward gives for that position.
struct DecodeContext {
    ModelConfig const& config;
    TokenDispatcher const& dispatcher;
    RotaryTable const& rotary;
    KvCache& cache;
    std::span<std::int64_t const> slots;
    std::span<std::int64_t const> positions;
    at::Tensor slots_on_device, positions_on_device;  // the same on the model's device
    // Where rows travel gathered: TokenDispatcher::share_token_counts, and route_on_device's flag.
    std::span<std::int64_t const> tokens_of_rank = {};
    at::Tensor all_finite = {};
};
at::Tensor layer_decode(DecodeContext const& context, LayerWeights const& weights, std::int64_t layer,
                        at::Tensor const& input, RowEdits const& edits);

// What the gradients of a layer's adapters follow from, beside the tape: the inputs of the changed matrices, and the
// gradients to their outputs. Undefined where nothing of the kind is changed.
struct AdapterTape {
    at::Tensor d_expert_outputs = {};               // [R,D]
    at::Tensor d_gate_up = {};                      // [R,2F]
    at::Tensor head_inputs = {}, d_heads = {};      // [T,D], [T,width of the product]
    at::Tensor mixed = {}, d_after_attention = {};  // [T,H d], [T,D]
};

struct LayerGradient {
    at::Tensor d_router_logits;  // [T,K] or [T,E]: route_backward
    at::Tensor d_input;          // [T,D]; undefined when not asked for
    AdapterTape adapter = {};
};
// What a caller wants of a layer's backward pass: below the lowest gate nothing is needed.
enum class Backward { router_only, router_and_input };

// Through a layer and back in three steps like those forth, from a whole tape. The arguments outlive the object.
class LayerBackward {
public:
    // `d_all_logits` [T,E]: what more goes to the router's input by the logits of all experts; or undefined.
    LayerBackward(LayerContext const& context, LayerWeights const& weights, LayerTape const& tape,
                  at::Tensor const& d_output, Backward extent, at::Tensor d_all_logits = {});
    void to_experts();
    void through_experts();
    LayerGradient from_experts();

private:
    LayerContext const& context_;
    LayerWeights const& weights_;
    LayerTape const& tape_;
    at::Tensor d_output_;
    Backward extent_;
    at::Tensor d_all_logits_, d_router_logits_;
    SlotsUnderWay slots_;
    AdapterTape adapter_;
};

}  // namespace gatesweep
