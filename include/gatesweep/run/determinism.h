// What a run can say about the reach of its own numbers: prompts computed again, alone, and choices that were nearly
// ties.
#pragma once

#include "gatesweep/run/setup.h"
#include "gatesweep/signal/signals.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/store/manifest.h"

namespace gatesweep {

// Collective. A short prompt for every copy of the model, computed alone in its batch and compared bit for bit with
// `signals` (whole on the final rank, with the measures that were wanted), which may come from another rank, node or
// start. Warns where they differ. Without a model in memory (layers are streamed) nothing is computed again.
ManifestDeterminism check_determinism(Setup const& setup, Decoder const* model, Signals const& signals,
                                      WantedMeasures const& wanted);

// layer, choices, near_bfloat16, near_float32.
CsvTable near_tie_table(Signals const& signals, std::int64_t num_tokens);

}  // namespace gatesweep
