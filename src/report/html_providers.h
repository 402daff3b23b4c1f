// Private to report: what the score providers say, whether they agree, and which of them the screen bears out.
#pragma once

#include <string>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

std::string providers_section(RunView const& run);  // empty without tables/providers.csv

}  // namespace gatesweep
