// What a job's score providers want measured in the passes of the signals.
#pragma once

#include "gatesweep/run/setup.h"
#include "gatesweep/signal/signals.h"

namespace gatesweep {

// Margins are wanted of the malicious group alone. Collective. Errors: input_missing where openings must be read and
// the checkpoint has no tokenizer, ExitCode::job where refusals and compliance begin with the same tokens.
WantedMeasures wanted_measures(Setup const& setup);

// Batches of what is not done, apart for prompts with margins: only theirs take the longer pass.
BatchPlan plan_measured_batches(Setup const& setup, WantedMeasures const& wanted, std::vector<bool> const& done);

// Rows without a margin, which sums over ranks left 0, become NaN. On the rank where the sums are.
void mark_absent(Signals& signals, WantedMeasures const& wanted);

}  // namespace gatesweep
