// Spans of texts whose routing is measured, committed text by text and gone on with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gatesweep/analysis/routing_divergence.h"
#include "gatesweep/base/activity.h"
#include "gatesweep/run/run_session.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/run/streaming.h"
#include "gatesweep/signal/span_routing.h"
#include "gatesweep/terms/counted_tokens.h"

namespace gatesweep {

// What computes: one of the two.
struct SpanModel {
    Decoder const* resident = nullptr;
    StreamedDecoder* streamed = nullptr;
    Streaming streaming = {};
};

// Records of one kind of text in the ledger; the same for every phase of a run.
struct SpanWork {
    std::string record_kind;
    RunPhase phase;
    std::vector<CountedSpan> const& texts;
    bool with_shares = false;  // the routing vectors too
};

struct MeasuredSpans {
    std::vector<SpanRouting> routing;  // by text; whole on the final rank, empty elsewhere
    double seconds = 0.0;
    std::int64_t num_tokens = 0;  // computed in this start
};

// Collective.
MeasuredSpans measure_spans(Setup const& setup, SpanModel const& model, SpanWork const& work, RunSession& session);

// What was measured with shares, to be compared: with other texts, or with the same ones after a change of the model.
RoutedTexts routed_texts(std::vector<CountedSpan> const& texts, std::vector<SpanRouting> routing,
                         ModelConfig const& config);

// The span's tokens with their experts.
CountedTokens counted_tokens(CountedSpan const& span, SpanRouting const& routing, std::int64_t top_k);

}  // namespace gatesweep
