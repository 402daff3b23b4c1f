// Where events meet failures on purpose; private to the layer.
#pragma once

#include <atomic>

#include "gatesweep/base/activity.h"

namespace gatesweep {

extern std::atomic<bool> rank_failure_armed;

// Counts one event of `phase`; does not return from the one that was asked for, or throws.
void fail_if_due(RunPhase phase);

}  // namespace gatesweep
