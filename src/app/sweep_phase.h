// The sweep of a job: plan on the final rank, generation and scoring on all, tables on the final rank.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/model/mixtral.h"
#include "gatesweep/report/tables.h"
#include "gatesweep/store/run_directory.h"
#include "setup.h"

namespace gatesweep {

// Collective. `analysis` and `run` are the final rank's, null elsewhere; the model is given up once nothing needs it any
// more (a judge may need its memory). Returns timings of the sweep's phases, whole on the final rank.
std::vector<PhaseTiming> run_sweep(Setup const& setup, std::unique_ptr<Mixtral> model, AnalysisInput const* input,
                                   AnalysisResult const* analysis, RunDirectory* run);

}  // namespace gatesweep
