// The maps [P, L, E] of a signal, prompt by prompt, from what was measured.
#pragma once

#include "gatesweep/analysis/analysis.h"

namespace gatesweep {

NdArray<double> prompt_maps(SignalKind signal, AnalysisInput const& input);

}  // namespace gatesweep
