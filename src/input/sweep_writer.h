// The text of [sweep].
#pragma once

#include <string>
#include <string_view>

#include "gatesweep/input/job.h"

namespace gatesweep {

// [sweep] and everything below it; empty for a job without a sweep.
std::string sweep_text(SweepSpec const& sweep);

}  // namespace gatesweep
