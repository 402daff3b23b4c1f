// [audit]: how the texts of the plan are routed, and how differently the two of each pair are.
#pragma once

#include <optional>

#include "gatesweep/analysis/audit_input.h"
#include "gatesweep/run/loaded_model.h"
#include "gatesweep/run/run_session.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/store/timings.h"

namespace gatesweep {

struct AuditPhase {
    AuditInput measured;  // whole on the final rank, as is:
    CsvTable pairs;       // audit_pairs
    PhaseTiming timing;
};

// Collective. Nothing for a job without [audit].
std::optional<AuditPhase> measure_audit(Setup const& setup, LoadedModel& loaded, RunSession& session);

}  // namespace gatesweep
