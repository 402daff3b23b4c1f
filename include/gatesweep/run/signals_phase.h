// The signals of a job: recalled where an earlier start committed them, computed and committed where not.
#pragma once

#include "gatesweep/analysis/tables.h"
#include "gatesweep/run/loaded_model.h"
#include "gatesweep/run/run_session.h"
#include "gatesweep/signal/signals.h"
#include "gatesweep/store/timings.h"

namespace gatesweep {

struct MeasuredSignals {
    Signals signals;        // whole on the final rank
    WantedMeasures wanted;  // beside the signals
    PhaseTiming timing;     // of what this start computed
};

// Collective. Errors: those of compute_signals.
MeasuredSignals measure_signals(Setup const& setup, LoadedModel& loaded, RunSession& session);

}  // namespace gatesweep
