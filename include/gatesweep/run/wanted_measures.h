// What a job's score providers want measured in the passes of the signals.
#pragma once

#include "gatesweep/run/setup.h"
#include "gatesweep/signal/signals.h"

namespace gatesweep {

// Collective. Errors: input_missing where openings must be read and the checkpoint has no tokenizer, ExitCode::job
// where refusals and compliance begin with the same tokens.
WantedMeasures wanted_measures(Setup const& setup);

}  // namespace gatesweep
