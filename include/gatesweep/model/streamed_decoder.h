// A decoder whose weights stay on disk: many batches go through one layer after the other, forth and
// back.
//
// Numbers are those of Decoder::forward_backward on the same batches, bit for bit: the same functions in the same
// order. Memory holds two layers (model/layer_stream.h), the batches' layer inputs, and one layer's work on one batch.
// The checkpoint is read twice for each call, whatever the number of batches.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/decoder.h"
#include "gatesweep/model/layer_stream.h"
#include "gatesweep/model/packed_batch.h"
#include "gatesweep/model/token_dispatcher.h"
#include "gatesweep/ops/row_ops.h"

namespace gatesweep {

class LayerSteps;

struct StreamHooks {
    // After each batch's last step, in their order: its prompts' losses.
    std::function<void(std::size_t batch, std::vector<double> const& losses)> done = nullptr;
    // Asked by every rank before each layer, at the same points; false, on every rank or on none, ends the call.
    std::function<bool()> go_on = nullptr;
    // Work done, in forward passes of one token through one layer.
    std::function<void(std::int64_t)> worked = nullptr;
};

class StreamedDecoder {
public:
    // `max_tokens`: the longest prompt that will come.
    StreamedDecoder(WeightSource source, ParallelLayout const& layout, std::int64_t max_tokens);

    ModelConfig const& config() const { return *source_.config; }
    // Of the parts read so far: of all weights after a first call of forward_backward, or after read_all.
    WeightDigests digests() const { return stream_.digests(); }

    // Forth alone: losses and routing, as Decoder::forward gives them. Same rules as below; a batch keeps one layer's
    // input for each of its tokens.
    bool forward(std::span<ObservedBatch const> batches, StreamHooks const& hooks);
    // Every rank of the world calls it, each with as many batches as the others of its expert-parallel group (empty
    // ones where it has no prompts). False: go_on ended it, and no batch is done.
    bool forward_backward(std::span<ObservedBatch const> batches, StreamHooks const& hooks);
    // Reads every part once, for its digests alone, where nothing is to be computed. Every rank of the world calls it.
    void read_all();

    // Bytes of layer inputs that a batch keeps for each of its tokens, in host memory.
    static std::uint64_t bytes_per_token(ModelConfig const& config, std::size_t element_size);
    std::uint64_t bytes_per_token() const { return bytes_per_token(config(), c10::elementSize(source_.dtype)); }
    // What `worked` adds up to for one token.
    static std::int64_t work_per_token(ModelConfig const& config);

private:
    class Activations;
    enum class Keep { all_inputs, none };
    bool forth(std::span<ObservedBatch const> batches, StreamHooks const& hooks, Activations& kept, Keep keep);
    bool backward(std::span<ObservedBatch const> batches, StreamHooks const& hooks, Activations& kept);
    LayerSteps steps() const;
    LayerWeights const& layer(std::int64_t layer, std::int64_t next);

    WeightSource source_;
    Communicator world_;
    TokenDispatcher dispatcher_;
    RotaryTable rotary_;
    LayerStream stream_;
};

}  // namespace gatesweep
