// The random controls of a plan.
#pragma once

#include "trial_content.h"

namespace gatesweep {

// For every number of experts, mode, scope and doses among the selected trials, and among the custom ones where no
// selected trial has them, `sweep.controls.random` sets drawn like the first such trial, appended to the plan. They
// differ from each other and from every other trial, and the routers can take them; where there are not that many,
// all that were found, and a notice.
void add_random_controls(SweepSpec const& sweep, AnalysisResult const& result, KnownTrials& known, TrialPlan& plan);

}  // namespace gatesweep
