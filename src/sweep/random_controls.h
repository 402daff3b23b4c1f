// The random controls of a plan.
#pragma once

#include "trial_content.h"

namespace gatesweep {

// For every selected and custom trial `sweep.controls.random` different sets drawn like it, which the routers can take
// and which no trial but a random one has. A set that was drawn for an earlier trial already is shared: it is tried
// once and is a control of both. New ones are appended to the plan. Where there are not that many sets, all that were
// found, and a notice.
void add_random_controls(SweepSpec const& sweep, AnalysisResult const& result, KnownTrials& known, TrialPlan& plan);

}  // namespace gatesweep
