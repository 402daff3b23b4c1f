// Private to report: layer x expert heatmaps as figures.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "figure_scripts.h"
#include "gatesweep/report/run_view.h"

namespace gatesweep {

// heatmap_<signal>_<group> and heatmap_<signal>_gap.
std::vector<Figure> heatmap_figures(RunView const& run);

// screen_<group>, where single experts were screened.
std::vector<Figure> screen_figures(RunView const& run);

std::string screen_figure_name(RunView const& run, std::string const& group);

}  // namespace gatesweep
