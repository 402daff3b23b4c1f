// What a model answers to held-out prompts, and how it routes them: the base model and each hardened one.
#pragma once

#include <string>
#include <vector>

#include "gatesweep/model/decoder.h"
#include "gatesweep/run/run_session.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/signal/span_routing.h"
#include "gatesweep/sweep/generator.h"

namespace gatesweep {

// Rows of prompts.
struct HeldOutRows {
    std::vector<std::int64_t> harmful, benign, near_miss;
    std::vector<std::int64_t> all() const;
};
HeldOutRows held_out_rows(Inputs const& inputs);

struct Evaluation {
    // By variant (0: nothing suppressed, then 1, 2, ... experts), then prompt; of other prompts than harmful ones
    // variant 0 alone.
    std::vector<Completion> completions;
    std::vector<SpanRouting> routing;  // of each text that was given
};

// What an evaluation needs; whole on every rank.
struct EvaluationWork {
    std::string model_name;  // "base", or an arm's word
    std::vector<ExpertId> const& suppressed;
    HeldOutRows const& rows;
    std::vector<std::int64_t> more_rows;    // generated on too, unsuppressed
    std::vector<CountedSpan> const& texts;  // prompts with the base model's replies; the prompts count; may be empty
};

// Collective; whole on the final rank. Committed as it goes.
Evaluation evaluate(Setup const& setup, Decoder const& model, EvaluationWork const& work, RunSession& session);
// Only the routing.
std::vector<SpanRouting> evaluate_routing(Setup const& setup, Decoder const& model, EvaluationWork const& work,
                                          RunSession& session);

}  // namespace gatesweep
