// Private to report: single experts and side effects. Empty for a run without a sweep.
#pragma once

#include <string>

#include "gatesweep/report/run_view.h"
#include "html_parts.h"

namespace gatesweep {

std::string single_experts_section(RunView const& run);  // sets of one expert, and the screen
std::string side_effects_section(RunView const& run);

}  // namespace gatesweep
