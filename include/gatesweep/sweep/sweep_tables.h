// The tables of a sweep as files of its run.
#pragma once

#include <string>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/label/label_validation.h"
#include "gatesweep/store/run_directory.h"
#include "gatesweep/sweep/outcomes.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

// Every table of a sweep but screen.csv; `by`: the job's [report] by.
void write_sweep_tables(TrialPlan const& plan, SweepOutcomes const& outcomes, LabellerErrors const& errors,
                        std::string const& by, PromptMetadata const& metadata, RunDirectory& run);
// The one that depends on `by`.
void write_category_effects(TrialPlan const& plan, SweepOutcomes const& outcomes, std::string const& by,
                            PromptMetadata const& metadata, RunDirectory& run);

}  // namespace gatesweep
