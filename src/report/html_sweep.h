// Private to report: what report.html says about a sweep. Every section is empty for a run without one.
#pragma once

#include <string>

#include "gatesweep/report/run_view.h"
#include "html_parts.h"

namespace gatesweep {

std::string sweep_section(RunView const& run);  // the result in words, its controls, the effect plot
std::string doses_section(RunView const& run);

}  // namespace gatesweep
