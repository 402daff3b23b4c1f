// From the job's words to the analysis' own.
#pragma once

#include <cstdint>
#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/input/job.h"

namespace gatesweep {

// `marks`: rows [layer, expert].
AnalysisParameters analysis_parameters(AnalysisSpec const& spec, std::vector<std::vector<std::int64_t>> const& marks);

}  // namespace gatesweep
