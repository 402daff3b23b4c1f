// [[sweep.trial]]: the user's own sets, read, checked and made trials.
#pragma once

#include <vector>

#include "trial_content.h"

namespace gatesweep {

// One trial of each, kind custom, in the job's order, still without its id; behind one that was chosen by scores, with
// controls.bottom, one of the smallest scores, kind bottom. Without an analysis, before the model is loaded, those by
// scores are left out. `notices`: what the user should know. Errors as plan_trials().
std::vector<Trial> custom_trials(SweepSpec const& sweep, RouterShape const& shape,
                                 AnalysisResult const* analysis = nullptr, std::vector<std::string>* notices = nullptr);

}  // namespace gatesweep
