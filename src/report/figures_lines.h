// Private to report: curves over ranks and layers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "figure_scripts.h"
#include "gatesweep/report/run_view.h"

namespace gatesweep {

// lab10_*, lab12_*, lab17_*, lab19_*.
std::vector<Figure> line_figures(RunView const& run);

}  // namespace gatesweep
