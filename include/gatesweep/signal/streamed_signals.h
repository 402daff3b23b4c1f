// The routing signals of a model whose weights do not fit into memory: the bytes that compute_signals gives, from
// weights that are read layer by layer while all prompts of a chunk wait (model/streamed_decoder.h).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/streamed_decoder.h"
#include "gatesweep/signal/batch_plan.h"
#include "gatesweep/signal/signals.h"

namespace gatesweep {

// Rounds [first, last) of a plan; a round is one batch of every copy, fewer in the last one.
struct RoundRange {
    std::int64_t first = 0;
    std::int64_t last = 0;
};

// Cuts the plan where a rank's tokens would exceed `max_tokens`, at least one round at a time. The same for every rank:
// copies stream in step, so that those of a node read each layer from disk once.
std::vector<RoundRange> stream_chunks(BatchPlan const& plan, std::span<std::int64_t const> prompt_tokens,
                                      int num_copies, int ep_size, std::int64_t max_tokens);

struct StreamedSignalsOptions {
    std::uint64_t activation_memory = 0;  // bytes a rank may keep of layer inputs; the same on every rank
    WantedMeasures measures = {};
    // After each layer's work on a batch: the copy's tokens done and in all, as a share of the work.
    std::function<void(std::int64_t done, std::int64_t all)> progress = nullptr;
    // After each batch of this rank's copy, at the end of its chunk: its number in the plan. Rows of its prompts on
    // this rank are whole then, and StreamedDecoder::digests() is of all weights. Ranks of a copy call it in the same
    // order.
    std::function<void(std::int64_t batch, Signals const& signals)> done = nullptr;
    // Asked by every rank before each layer; false, on every rank or on none, ends the work. Batches of the chunk under
    // way are lost then, as they are in a crash.
    std::function<bool()> go_on = nullptr;
    // The same between two chunks, of which none is lost.
    std::function<bool()> go_on_with_next_chunk = nullptr;
};

struct StreamedSignals {
    Signals signals;
    bool complete = true;  // false: it was ended before
};

// Computes this rank's share of the plan, which may be of some of the prompts only. Every rank of the world calls it.
// Errors: those of compute_signals and of LayerStream.
StreamedSignals compute_streamed_signals(StreamedDecoder& model, ParallelLayout const& layout,
                                         std::vector<std::vector<std::int32_t>> const& prompts, BatchPlan const& plan,
                                         StreamedSignalsOptions const& options);

}  // namespace gatesweep
