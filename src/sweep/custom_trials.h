// [[sweep.trial]]: the user's own sets, read, checked and made trials.
#pragma once

#include <vector>

#include "trial_content.h"

namespace gatesweep {

// One trial of each, kind custom, in the job's order, still without its id. Errors as plan_trials().
std::vector<Trial> custom_trials(SweepSpec const& sweep, RouterShape const& shape);

}  // namespace gatesweep
