// completions.jsonl: what every trial answered to every prompt, and how it was labelled.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gatesweep/store/run_directory.h"
#include "gatesweep/sweep/generator.h"
#include "gatesweep/sweep/trial_plan.h"
#include "inputs.h"
#include "labelling.h"

namespace gatesweep {

// Texts of completions; nothing for each where the checkpoint has no tokenizer, which is said.
std::vector<std::optional<std::string>> decode_completions(Inputs const& inputs,
                                                           std::vector<Completion> const& completions);

// Completions by trial, then prompt; texts and labels beside them. One JSON object a line: trial_id, group,
// prompt_index, prompt_id, token_ids, text, finish_reason, label, label_source; for the baseline also prompt, its text.
void write_completions(TrialPlan const& plan, Inputs const& inputs, std::vector<Completion> const& completions,
                       std::vector<std::optional<std::string>> const& texts, LabelledReplies const& labels,
                       RunDirectory& run);

}  // namespace gatesweep
