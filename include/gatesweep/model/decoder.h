// A decoder over one expert-parallel group: packed prompts in, losses and router events out; or many
// variants of texts in, hidden states and next tokens out.
//
// The numbers are those of Hugging Face transformers on the same checkpoint. On the CPU a prompt's losses, routing and
// gradients depend on the prompt, the weights and the libraries' instruction set alone: not on the other prompts of the
// batch, the number of ranks or threads, or whether layers were computed again to save memory.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/decoder_layer.h"
#include "gatesweep/model/kv_cache.h"
#include "gatesweep/model/lanes.h"
#include "gatesweep/model/model_config.h"
#include "gatesweep/model/packed_batch.h"
#include "gatesweep/model/weights.h"
#include "gatesweep/ops/next_token_loss.h"
#include "gatesweep/ops/opening_margin.h"
#include "gatesweep/ops/router.h"

namespace gatesweep {

// Looks on; what it does cannot change the pass.
class RoutingObserver {
public:
    virtual ~RoutingObserver() = default;
    // Forward, once per layer with a router and pass. `row` counts these layers: ModelConfig::sparse_layers.
    virtual void on_routing(std::int64_t row, PackedBatch const& batch, Routing const& routing) = 0;
    // Backward, the same: d loss / d router logits, [T,K] or [T,E] (route_backward), and the router's input
    // [T,D], so that d loss_p / d gate_weight[e,:] = sum over the prompt's tokens of d_router_logits[t,e] *
    // router_input[t,:].
    virtual void on_router_gradient(std::int64_t row, PackedBatch const& batch, Routing const& routing,
                                    at::Tensor const& d_router_logits, at::Tensor const& router_input) = 0;
    // Forward, after on_routing: what the chosen experts gave, before their weights, [T*K,D] by token and slot.
    virtual void on_expert_outputs(std::int64_t /*row*/, PackedBatch const& /*batch*/, Routing const& /*routing*/,
                                   at::Tensor const& /*slot_outputs*/) {}
    // Backward, after on_router_gradient, of a batch with openings: d margin / d router logits, in the same form.
    virtual void on_margin_gradient(std::int64_t /*row*/, PackedBatch const& /*batch*/, Routing const& /*routing*/,
                                    at::Tensor const& /*d_router_logits*/) {}
    // Forward, in Decoder::hidden alone: the layer's whole tape.
    virtual void on_layer(std::int64_t /*layer*/, LayerWeights const& /*weights*/, LayerTape const& /*tape*/) {}
    // Backward, of a layer with an adapter; the tape holds what the layer's forward kept.
    virtual void on_adapter(std::int64_t /*layer*/, LayerWeights const& /*weights*/, LayerTape const& /*tape*/,
                            AdapterTape const& /*adapter*/) {}
};

// How routes should stay: adds weight * sum over tokens and layers of KL(softmax base || softmax router logits) to the
// loss of a pass.
struct RouteAnchor {
    std::vector<at::Tensor> base;  // by layer with a router: the probabilities [T,E], float32
    double weight = 0.0;
    double divergence = 0.0;  // filled in: the sum, without the weight
};

// A loss of the final hidden states, in place of that of the next token: [T,D] after the final norm.
using HiddenLoss = std::function<NextTokenLoss(at::Tensor const& hidden)>;

struct ObservedBatch {
    PackedBatch batch;
    RoutingObserver* observer = nullptr;
    // With these the pass back is made twice, for the losses and for the margins; all batches of a call have them, on
    // every rank of the group, or none has.
    OpeningTokens const* openings = nullptr;
    HiddenLoss loss = {};
    RouteAnchor* anchor = nullptr;
    // Back no further than the lowest layer with an adapter: the gates below are told nothing. All batches or none.
    bool only_adapters = false;
};

// Keep the tapes of all layers for the backward pass, or only their inputs and compute each layer twice.
enum class TapePolicy { keep, recompute };

// Final hidden states of a branched pass, after the final norm; lane i is rows [offsets[i], offsets[i+1]).
struct BranchedHidden {
    at::Tensor hidden;  // [R,D]
    std::vector<std::int64_t> offsets;
    std::vector<Lane> lanes;

    at::Tensor of_lane(std::size_t lane) const { return hidden.slice(0, offsets[lane], offsets[lane + 1]); }
};

// Sequences that are being generated, one token each.
struct DecodeBatch {
    std::vector<std::int32_t> ids;        // the tokens to feed
    std::vector<std::int64_t> positions;  // theirs
    std::vector<std::int64_t> slots;      // of the cache
    std::vector<std::int32_t> variants;   // of the edit table
};

// What a decode step reads of its batch, as tensors of the model's device.
struct DecodeInputs {
    at::Tensor ids, slots, positions;   // [n]: int32, int64, int64
    std::vector<std::int32_t> entries;  // [L,n] of the edit table, on the host
    at::Tensor entries_on_device;       // the same, int32, and the table: not on the CPU
    RowEditTensors table;
};

class Decoder {
public:
    // `max_tokens`: the longest prompt that will come.
    Decoder(ModelConfig config, Weights weights, ParallelLayout const& layout, std::int64_t max_tokens);

    ModelConfig const& config() const { return config_; }
    Weights const& weights() const { return weights_; }

    // What is trained stands beside the weights from now on (adapter_weights.h); nothing does after an empty list.
    void adapt(std::vector<LayerAdapter> const& layers);

    // Final hidden states [T,D] after the norm. Collective as forward.
    at::Tensor hidden(PackedBatch const& batch, RoutingObserver& observer) const;
    // Mean next-token loss of each prompt of this rank's batch. Every rank of the expert-parallel group calls it the
    // same number of times, with an empty batch where it has no prompts.
    std::vector<double> forward(PackedBatch const& batch, RoutingObserver& observer) const;
    // The same, then one backward pass of the sum of the prompts' losses, to activations and router logits only.
    std::vector<double> forward_backward(PackedBatch const& batch, RoutingObserver& observer, TapePolicy policy) const;
    // The same of several batches at once, as many on every rank: while the rows of one travel between ranks, the next
    // one computes. Where a row's bits depend on the row alone, the numbers are those of one batch after the other.
    std::vector<std::vector<double>> forward_backward(std::span<ObservedBatch const> batches, TapePolicy policy) const;

    // All branches of the stems in one pass. With a cache, the keys and values of branch b go to slot slots[b].
    // Every rank of the expert-parallel group calls it the same number of times, with no stems where it has none. An
    // observer sees the routing of the lanes, after edits.
    BranchedHidden forward_branches(std::span<Stem const> stems, std::span<Branch const> branches,
                                    RouterEdits const& edits, KvCache* cache = nullptr,
                                    std::span<std::int64_t const> slots = {},
                                    RoutingObserver* observer = nullptr) const;
    // One token further: the greedy next token of each sequence. Same rule for the ranks of a group.
    std::vector<std::int32_t> decode(DecodeBatch const& batch, RouterEdits const& edits, KvCache& cache) const;
    // The parts of decode(), for a caller that records a step and repeats it (decode_graphs.h). The hidden states [n,D]
    // are after the final norm; a logit that was not finite turns `all_finite` false (router.h), and the caller waits
    // for the dispatcher.
    DecodeInputs decode_inputs(DecodeBatch const& batch, RouterEdits const& edits) const;
    at::Tensor decode_hidden(DecodeBatch const& batch, DecodeInputs const& inputs, RouterEdits const& edits,
                             KvCache& cache, at::Tensor const& all_finite) const;

private:
    at::Tensor embed(at::Tensor const& ids) const;

    ModelConfig config_;
    Weights weights_;
    TokenDispatcher dispatcher_;
    RotaryTable rotary_;
};

}  // namespace gatesweep
