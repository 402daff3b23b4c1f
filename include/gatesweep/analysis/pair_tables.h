// The tables of [[pairs]] that need to know the tokens; risk_difference.h has the other.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gatesweep/analysis/pair_contrasts.h"
#include "gatesweep/store/csv.h"

namespace gatesweep {

// pairs, risk_difference_controls, pair_controls, pair_layers and pair_tokens. `piece`: a token for people to read.
std::vector<CsvTable> pair_tables(MeasuredPairs const& measured, std::function<std::string(std::int32_t)> const& piece);

}  // namespace gatesweep
