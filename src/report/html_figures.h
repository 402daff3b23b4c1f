// Private to report: the gnuplot figures as parts of report.html.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

// The gnuplot figure figures/NAME.svg made part of the page: its ids made its own, black made the page's text colour.
std::string figure_html(RunView const& run, std::string_view name, std::string_view caption);

std::string inlined_svg(std::string_view svg, std::string_view id_prefix, std::string_view label);

}  // namespace gatesweep
