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

// Figures of a sweep have the bare name on the first sweep group and end in _<group> on the others.
std::string sweep_figure_name(RunView const& run, std::string const& stem, std::string const& group);

// The file of numbers, as a gnuplot string: 'figures/NAME.dat'.
std::string data_file(std::string_view figure_name);
std::string gnuplot_script(Figure const& figure);

}  // namespace gatesweep
