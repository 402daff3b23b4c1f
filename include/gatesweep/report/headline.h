// The result lines that the terminal prints for a run, from its tables.
#pragma once

#include <filesystem>
#include <string>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

struct Headline {
    // "activation: 5 malicious-dominant, 0 benign-dominant, 59 shared; gradient: 3 / 2 / 59; top-10 overlap 4 and 6"
    std::string analysis;
    // "marked experts: ranks 1 2 3 of 64 by activation gap, 25 22 8 by raw gradient, 1 2 3 by gradient share"; ranks by
    // the size of the gap, in the order of tables/marked_experts.csv. Empty when there is no such table.
    std::string marked;
};

Headline headline(RunView const& run);
Headline headline(std::filesystem::path const& run_folder);  // errors: as read_run

}  // namespace gatesweep
