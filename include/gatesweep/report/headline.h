// The result lines that the terminal prints for a run, from its tables.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

struct Headline {
    // "activation: 5 malicious-dominant, 0 benign-dominant, 59 shared; gradient: 3 / 2 / 59; top-10 overlap 4 and 6"
    std::string analysis;
    // "marked experts: ranks 1 2 3 of 64 by activation gap, 25 22 8 by raw gradient, 1 2 3 by gradient share"; ranks by
    // the size of the gap, in the order of tables/marked_experts.csv. Empty when there is no such table.
    std::string marked;
    // "36110 replies by phrase rules, 216 by people; 12 pairs with a label of each kind are left out of every
    // comparison"; empty without a sweep.
    std::string labels;
    // Of a sweep, group by group; empty without one. For the strongest set of the grid (report/evidence.h) two lines,
    // the effect and what speaks for and against it; for each set of the user's own one line: "refusal 100 % -> 0 %
    // with 2:5 3:1 4:6 6:3 7:0 suppressed (paired difference -100 points [-100, -96], p < 1e-29, q < 1e-28, empirical p
    // = 0.048);" "20 random sets like it: 99.9 % (lowest 98 %); benign refusals unchanged (0 %), perplexity x1.00"
    // Of hardening a line more: what it reached, and which gates were not passed.
    // Where no set of the grid is beyond chance: "no set changed refusals beyond chance; the largest: refusal ...".
    std::vector<std::string> result;
};

Headline headline(RunView const& run);
Headline headline(std::filesystem::path const& run_folder);  // errors: as read_run

}  // namespace gatesweep
