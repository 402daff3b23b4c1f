// The screen before a sweep: the refusal margin of every single expert, by forcing openings on the model.
#pragma once

#include <vector>

#include "gatesweep/run/run_session.h"
#include "gatesweep/sweep/sweep_context.h"

namespace gatesweep {

// Collective; tables/screen.csv and arrays/screen_margin_change.npy on the final rank. Openings that the job does not
// name are the model's own: the most frequent first tokens of its unedited refusals and compliances (by the phrase
// rules); where it never refuses or always does, the screen is left out with a warning. `baseline`: the final rank's
// completions without edits.
void run_screen(Setup const& setup, Decoder const& model, std::vector<Completion> const& baseline, RunSession& session);

}  // namespace gatesweep
