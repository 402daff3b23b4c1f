// [[pairs]]: to which experts the counted tokens of both sides go, and the tables that follow.
#pragma once

#include <optional>

#include "gatesweep/analysis/pair_contrasts.h"
#include "gatesweep/run/loaded_model.h"
#include "gatesweep/run/run_session.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/store/timings.h"

namespace gatesweep {

struct PairsPhase {
    MeasuredPairs measured;  // whole on the final rank
    PhaseTiming timing;
};

// Collective. Nothing for a job without [[pairs]].
std::optional<PairsPhase> measure_pairs(Setup const& setup, LoadedModel& loaded, RunSession& session);

// arrays/pair_counts.npy, which is `counts`, and the tables that need the tokens. Final rank.
void write_pairs(Inputs const& inputs, MeasuredPairs const& measured, NdArray<std::int64_t> const& counts,
                 RunDirectory& run);

}  // namespace gatesweep
