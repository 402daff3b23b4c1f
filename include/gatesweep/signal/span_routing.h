// To which experts the tokens of a span of each text go: one pass forth, whose integers and losses do not depend on
// ranks, batches or threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/decoder.h"
#include "gatesweep/model/streamed_decoder.h"
#include "gatesweep/signal/batch_plan.h"

namespace gatesweep {

// A text, and which of its tokens count: [first, last).
struct CountedSpan {
    std::vector<std::int32_t> token_ids;
    std::int64_t first = 0, last = 0;

    std::int64_t num_counted() const { return last - first; }
};

struct SpanRouting {
    std::vector<std::uint16_t> experts;  // [L, counted tokens, K], by layer with a router
    double loss = 0.0;                   // mean next-token cross-entropy of the whole text
    // [L, E] where they are asked for: the weights of a token's experts divided by their sum, at the experts; mean over
    // the counted tokens.
    std::vector<double> shares = {};
};

struct SpanRoutingOptions {
    bool with_shares = false;
    // After each batch, or layer of a streamed one: the copy's tokens done and in all.
    std::function<void(std::int64_t done, std::int64_t all)> progress;
    // After each batch with the texts of it that this rank has now computed.
    std::function<void(std::vector<SpanRouting> const& routing, std::span<std::int64_t const> texts)> computed;
    // Asked before each batch; one rank's yes ends the work of its group. Empty: never.
    std::function<bool()> stop = {};
    // Of streamed layers alone: bytes a rank may keep of layer inputs; asked by every rank before each layer, and
    // between two chunks, false on every rank or on none.
    std::uint64_t activation_memory = 0;
    std::function<bool()> go_on = {}, go_on_with_next_chunk = {};
};

// Computes this rank's share of the plan; what other ranks compute is empty. Every rank of the world calls it. Errors:
// those of Decoder::forward; ExitCode::stopped, on every rank, when any was told to stop with batches left.
std::vector<SpanRouting> compute_span_routing(Decoder const& model, ParallelLayout const& layout,
                                              std::vector<CountedSpan> const& texts, BatchPlan const& plan,
                                              SpanRoutingOptions const& options);
// The same bytes from layers that are read one after the other.
std::vector<SpanRouting> compute_span_routing(StreamedDecoder& model, ParallelLayout const& layout,
                                              std::vector<CountedSpan> const& texts, BatchPlan const& plan,
                                              SpanRoutingOptions const& options);

}  // namespace gatesweep
