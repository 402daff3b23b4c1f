// [signals] phases: to which experts the tokens go that the baseline generated, beside those of the prompts.
#pragma once

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/run/run_session.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/sweep/generator.h"

namespace gatesweep {

// Collective; for a job that does not count them, nothing. arrays/generated_counts.npy [P,L,E] and tables/phases.csv:
// the baseline's replies, whole on the final rank, are read once more behind their prompts. `input` on the final rank.
void count_generated(Setup const& setup, Decoder const& model, std::vector<Completion> const& baseline,
                     AnalysisInput const* input, RunSession& session);

}  // namespace gatesweep
