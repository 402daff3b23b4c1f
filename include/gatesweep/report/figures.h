// The figures of a run, drawn by gnuplot from its tables.
#pragma once

#include <filesystem>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

// Writes <run>/figures: for every figure NAME.svg, NAME.pdf, the script NAME.gp and its numbers NAME.dat; the script
// runs again by `gnuplot figures/NAME.gp` in the run's folder. The paper's eight figures (lab10_*, lab12_*, lab17_*,
// lab19_*) and heatmaps heatmap_<signal>_<group>, heatmap_<signal>_gap. Same tables, same bytes (for one gnuplot
// version). Without gnuplot: a warning, scripts and numbers only. Errors: as read_run; io when gnuplot fails.
void draw_figures(RunView const& run);
void draw_figures(std::filesystem::path const& run_folder);

}  // namespace gatesweep
