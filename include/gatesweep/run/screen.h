// The screen before a sweep: the refusal margin of every single expert, by forcing openings on the model.
#pragma once

#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/run/run_session.h"
#include "gatesweep/sweep/sweep_context.h"

namespace gatesweep {

// Collective; tables/screen.csv and arrays/screen_margin_change.npy on the final rank. Openings that the job does not
// name are the model's own: the most frequent first tokens of its unedited refusals and compliances (by the phrase
// rules); where it never refuses or always does, the screen is left out with a warning. `baseline`: the final rank's
// completions without edits; `analysis`: its analysis, null elsewhere, whose score providers are held against the
// screen (tables/provider_screen.csv).
void run_screen(Setup const& setup, Decoder const& model, std::vector<Completion> const& baseline,
                AnalysisResult const* analysis, RunSession& session);

// tables/provider_screen.csv, where there are providers. `margin_change` [screen rows, L, E].
void write_provider_screen(std::vector<ProviderScores> const& providers, NdArray<double> const& margin_change,
                           SweepSpec const& sweep, std::vector<std::string> const& groups, std::int64_t top,
                           RunDirectory& run);

}  // namespace gatesweep
