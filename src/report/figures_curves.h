// Private to report: effects by size and threshold.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "figure_scripts.h"
#include "gatesweep/report/run_view.h"

namespace gatesweep {

// sweep_dose_size and sweep_dose_threshold_<signal>, where there are two sizes and two thresholds.
std::vector<Figure> curve_figures(RunView const& run);

inline constexpr std::size_t max_curves = 10;  // of a dose figure: as many as a reader tells apart

}  // namespace gatesweep
