// A sweep's effects by a column of the prompt files.
#pragma once

#include <optional>

#include "gatesweep/analysis/agreement.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/sweep/outcomes.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

// tables/category_effects.csv: by,category,trial_id,group,num_prompts,restricted,...,p_exact: trials.csv for the
// prompts of each value of a column of the prompt files, `categories` by row of tables/prompts.csv. No q: categories
// are looked at, not tested.
CsvTable category_effects_table(TrialPlan const& plan, SweepOutcomes const& outcomes, std::string const& by,
                                std::vector<std::string> const& categories);

}  // namespace gatesweep
