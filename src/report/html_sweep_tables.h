// Private to report: the sweep's trials, transitions and grid. Empty for a run without a sweep.
#pragma once

#include <string>

#include "gatesweep/report/run_view.h"
#include "html_parts.h"

namespace gatesweep {

std::string trials_section(RunView const& run);
std::string transitions_section(RunView const& run);
std::string grid_section(RunView const& run);

}  // namespace gatesweep
