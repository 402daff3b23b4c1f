// Private to report: gnuplot scripts with their numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

struct Figure {
    std::string name;
    std::string source;  // the tables it is drawn from; for the reader of the script
    int width = 640;     // of the SVG, in pixels; the PDF is width / 107 inches wide
    int height = 400;
    std::string settings;  // gnuplot commands before the plot
    std::string plot;      // the plot command, reading data_file(name)
    std::string data;      // numbers in columns separated by blanks
};

// lab10_*, lab12_*, lab17_*, lab19_*.
std::vector<Figure> line_figures(RunView const& run);
// heatmap_<signal>_<group> and heatmap_<signal>_gap.
std::vector<Figure> heatmap_figures(RunView const& run);

// sweep_effects, sweep_side_effects, sweep_side_effects_refusal; none without a sweep.
std::vector<Figure> effect_figures(RunView const& run);
// sweep_dose_size and sweep_dose_threshold_<signal>, where there are two sizes and two thresholds.
std::vector<Figure> curve_figures(RunView const& run);
// screen_<group>, where single experts were screened.
std::vector<Figure> screen_figures(RunView const& run);

inline constexpr std::size_t max_forest_rows = 40;  // of sweep_effects
inline constexpr std::size_t max_curves = 10;       // of a dose figure: as many as a reader tells apart

// Figures of a sweep have the bare name on the first sweep group and end in _<group> on the others.
std::string sweep_figure_name(RunView const& run, std::string const& stem, std::string const& group);
std::string screen_figure_name(RunView const& run, std::string const& group);

// The file of numbers, as a gnuplot string: 'figures/NAME.dat'.
std::string data_file(std::string_view figure_name);
std::string gnuplot_script(Figure const& figure);

}  // namespace gatesweep
