// Tables that sum a sweep up: label transitions, and random trials by shape.
#pragma once

#include <optional>

#include "gatesweep/analysis/agreement.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/sweep/outcomes.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

// tables/transitions.csv: pairs by label at the baseline and in the trial, unscored ones included; pairs of labels
// that occur, trials but the baseline.
CsvTable transitions_table(TrialPlan const& plan, SweepOutcomes const& outcomes);

// tables/controls.csv: a row per group and shape of random trials, over all random trials of that shape; num_random
// counts those whose difference could be measured; rates over the pairs that differences are over.
CsvTable control_summary_table(TrialPlan const& plan, SweepOutcomes const& outcomes);

}  // namespace gatesweep
