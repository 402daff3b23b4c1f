// The checks of analyze().
#pragma once

#include <cstdint>

#include "gatesweep/analysis/analysis.h"

namespace gatesweep {

// Experts per token, given or found.
std::int64_t validated_top_k(AnalysisInput const& input);

}  // namespace gatesweep
