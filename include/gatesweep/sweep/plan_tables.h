// The plan of a sweep as tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/input/job.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

// tables/trial_experts.csv: trial_id,layer,expert,value: the experts of every trial, a row each, by layer, then expert;
// value as in ExpertEdit.
CsvTable trial_experts_table(TrialPlan const& plan);

// tables/trial_controls.csv: trial_id,control_id: the random trials that each selected or custom trial is compared
// with.
CsvTable trial_controls_table(TrialPlan const& plan);

// tables/trial_cells.csv: kind,signal,class,gap_threshold,size,mode,scope,dose,trial_id,outcome,name
CsvTable trial_cells_table(TrialPlan const& plan);

}  // namespace gatesweep
