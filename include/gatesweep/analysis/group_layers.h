// Layers whose routing hardly differs between the prompts of the two groups: there no score says much.
#pragma once

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/store/csv.h"

namespace gatesweep {

// group_layers: of every layer the mean and the largest |share of the malicious group's tokens that chose an expert -
// share of the benign group's|, over experts; the same mean between even and odd prompts of one group, the larger of
// the two (what chance leaves); and whether the first is no larger than that.
CsvTable group_layers_table(AnalysisInput const& input);

}  // namespace gatesweep
