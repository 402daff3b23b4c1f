// Private to report: what the sets of a sweep did.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "figure_scripts.h"
#include "gatesweep/report/run_view.h"

namespace gatesweep {

// sweep_effects, sweep_side_effects, sweep_side_effects_refusal; none without a sweep.
std::vector<Figure> effect_figures(RunView const& run);

inline constexpr std::size_t max_forest_rows = 40;  // of sweep_effects

}  // namespace gatesweep
