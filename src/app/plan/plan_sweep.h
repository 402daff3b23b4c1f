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

    // The screen: every expert edited alone, on its prompts with each opening behind them.
    std::int64_t num_screened = 0;  // experts; 0 without a screen
    std::int64_t num_screen_prompts = 0;
    std::int64_t max_screen_tokens = 0;  // of all of that, before what is shared below an expert's layer
};
SweepWork sweep_work(Inputs const& inputs, ModelConfig const& config, std::int64_t num_trials);

// Of all layers, those that an edit in one layer with a router changes: the layer and those above it, on average.
double share_of_layers_after(ModelConfig const& config);

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
