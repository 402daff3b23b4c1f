// The signals of a job: recalled where an earlier start committed them, computed and committed where not.
#pragma once

#include "gatesweep/report/tables.h"
#include "gatesweep/signal/signals.h"
#include "loaded_model.h"
#include "run_session.h"

namespace gatesweep {

struct MeasuredSignals {
    Signals signals;     // whole on the final rank
    PhaseTiming timing;  // of what this start computed
};

// Collective. Errors: those of compute_signals.
MeasuredSignals measure_signals(Setup const& setup, LoadedModel& loaded, RunSession& session);

}  // namespace gatesweep
