// A job of one prompt and one set of experts, made from the command line of `gatesweep try`.
#pragma once

#include <vector>

#include "app/options.h"
#include "gatesweep/comm/communicator.h"
#include "gatesweep/ops/router_edits.h"
#include "gatesweep/run/setup.h"

namespace gatesweep {

// Collective. The prompt is the only one of the inputs; all ranks hold one copy of the experts together. Errors: those
// of the checkpoint, its tokenizer and its chat template; usage for an empty prompt, or one too long for the model.
Setup set_up_prompt(Options const& options, Communicator const& world);

// The set of --suppress, by layer, then expert; empty without one. Errors: usage for what is no set, for a mode that is
// none, for options that the mode does not have, for experts that the model lacks, and for a set that leaves a layer
// too few.
std::vector<RouterEdit> chosen_edits(Options const& options, ModelConfig const& config);

}  // namespace gatesweep
