// Private to report: effects by a column of the prompt files. Empty for a run without a sweep.
#pragma once

#include <string>

#include "gatesweep/report/run_view.h"
#include "html_parts.h"

namespace gatesweep {

std::string categories_section(RunView const& run);  // by a column of the prompt files, where the job names one

}  // namespace gatesweep
