// Private to report: the audit by layer.
#pragma once

#include <string_view>
#include <vector>

#include "figure_scripts.h"
#include "gatesweep/report/run_view.h"

namespace gatesweep {

inline constexpr std::string_view audit_figure_name = "audit_js";

// Where there is tables/audit.csv.
std::vector<Figure> audit_figures(RunView const& run);

}  // namespace gatesweep
