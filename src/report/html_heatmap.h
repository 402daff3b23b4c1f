// Private to report: layer x expert heatmaps on the page, and their section.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

struct ColourScale;

// A layer x expert heatmap that shows a cell's numbers on pointing at it. `caption` is HTML, `label` plain text.
std::string heatmap_html(RunView const& run, std::string const& caption, std::string const& label,
                         std::vector<double> const& values, ColourScale const& scale);

std::string heatmap_section(RunView const& run);

}  // namespace gatesweep
