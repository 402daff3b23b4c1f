// The sweep of a job: plan on the final rank, generation and scoring on all, tables on the final rank.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/analysis/tables.h"
#include "gatesweep/label/label_validation.h"
#include "gatesweep/model/decoder.h"
#include "gatesweep/ops/router_edits.h"
#include "gatesweep/run/run_session.h"
#include "gatesweep/store/timings.h"
#include "gatesweep/sweep/outcomes.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

// Collective. `input` and `analysis` are the final rank's, null elsewhere; the model is given up once nothing needs it
// any more (a judge may need its memory). Returns timings of what this start computed, whole on the final rank. Errors:
// ExitCode::stopped on every rank when told to stop, with everything finished committed.
std::vector<PhaseTiming> run_sweep(Setup const& setup, std::unique_ptr<Decoder> model, RunSession& session,
                                   AnalysisInput const* input, AnalysisResult const* analysis);

}  // namespace gatesweep
