// What the sweep of a job would try and generate.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "gatesweep/model/model_config.h"
#include "gatesweep/run/inputs.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

struct SweepWork {
    std::int64_t num_trials = 0;  // with the baseline
    std::int64_t num_prompts = 0;
    std::int64_t num_sequences = 0;
    std::int64_t prompt_tokens = 0;    // of all sequences; prompts of one stem are computed once
    std::int64_t max_new_tokens = 0;   // of all sequences, when none ends early
    std::int64_t max_text_tokens = 0;  // watched prompts and answers, read again under every trial
};
SweepWork sweep_work(Inputs const& inputs, std::int64_t num_trials);

// Every set, from the arrays of a run of this job, or of one with fewer prompts that are not compared. Errors: those of
// read_signals; bad_data where the arrays are of other prompts in the compared groups or of another model.
TrialPlan plan_from_run(Inputs const& inputs, ModelConfig const& config, std::filesystem::path const& folder);

// Of the replies of this plan, those that are recorded in the folder's log already, by a run with these weights and
// this build.
std::int64_t recorded_replies(Inputs const& inputs, ModelConfig const& config, TrialPlan const& plan,
                              std::filesystem::path const& folder);

// Lines for the terminal.
std::string bound_text(SweepSpec const& sweep, ModelConfig const& config);
std::string exact_text(TrialPlan const& plan);

}  // namespace gatesweep
