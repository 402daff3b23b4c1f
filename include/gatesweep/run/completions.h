// completions.jsonl: what every trial answered to every prompt, and how it was labelled.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gatesweep/label/labelling.h"
#include "gatesweep/run/inputs.h"
#include "gatesweep/store/run_directory.h"
#include "gatesweep/sweep/generator.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

// Texts of completions; nothing for each where the checkpoint has no tokenizer, which is said.
std::vector<std::optional<std::string>> decode_completions(Inputs const& inputs,
                                                           std::vector<Completion> const& completions);

// Completions by trial, then prompt; texts and labels beside them, as store/completions.h says.
void write_completions(TrialPlan const& plan, Inputs const& inputs, std::vector<Completion> const& completions,
                       std::vector<std::optional<std::string>> const& texts, LabelledReplies const& labels,
                       RunDirectory& run);

}  // namespace gatesweep
