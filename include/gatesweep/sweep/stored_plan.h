// The plan of a finished sweep, read back from the tables that it left.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "gatesweep/sweep/outcomes.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

struct StoredSweep {
    TrialPlan plan;  // as it was planned, without notices
    // (trial, group): what trials.csv holds of the texts; absent where it was not measured
    std::map<std::pair<std::int64_t, std::string>, TextEffect> texts;
    std::map<std::pair<std::int64_t, std::string>, std::int64_t> tokens_affected;
};

// From trials.csv, trial_cells.csv, trial_experts.csv and trial_controls.csv in `tables`. Writing the plan's tables
// again gives the same bytes. Errors: input_missing for a table that is not there, bad_data for one that an older
// version of the program left or that holds something else.
StoredSweep read_stored_sweep(std::filesystem::path const& tables, std::int64_t num_layers, std::int64_t num_experts,
                              MoeLayers const& moe_layers = {});

}  // namespace gatesweep
