// completions.jsonl: what every trial answered to every prompt, and how it was labelled.
#pragma once

#include <string>
#include <vector>

#include "gatesweep/store/run_directory.h"
#include "gatesweep/sweep/generator.h"
#include "gatesweep/sweep/outcomes.h"
#include "gatesweep/sweep/trial_plan.h"
#include "inputs.h"

namespace gatesweep {

struct LabelledText {
    std::string text;  // of the completion; empty without a tokenizer
    Label label = Label::unscored;
    std::string source;  // "phrases 1 (built in)", "judge refusal-question 1", "human"
};

// Completions by trial, then prompt; `texts` beside them. One JSON object a line: trial_id, group, prompt_index,
// prompt_id, token_ids, text, finish_reason, label, label_source; for the baseline also prompt, its text.
void write_completions(TrialPlan const& plan, Inputs const& inputs, std::vector<Completion> const& completions,
                       std::vector<LabelledText> const& texts, RunDirectory& run);

}  // namespace gatesweep
