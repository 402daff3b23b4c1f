// Hardening: the base model is judged, each arm is trained and judged as a later job would find it, and the tables say
// what was gained and what it cost.
#pragma once

#include <memory>
#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/run/loaded_model.h"
#include "gatesweep/run/run_session.h"
#include "gatesweep/store/timings.h"

namespace gatesweep {

// Collective. `analysis` is the final rank's, null elsewhere. Leaves tables/harden_*.csv, adapter/ with the selected
// experts' adapter and adapters/ARM with those it is compared with. Errors: ExitCode::stopped on every rank when told
// to stop, with everything finished committed; those of training and generation.
std::vector<PhaseTiming> run_harden(Setup const& setup, LoadedModel& loaded, RunSession& session,
                                    AnalysisResult const* analysis);

}  // namespace gatesweep
