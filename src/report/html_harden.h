// Private to report: what hardening reached and what it cost, arm by arm.
#pragma once

#include <string>
#include <vector>

#include "figure_scripts.h"
#include "gatesweep/report/run_view.h"

namespace gatesweep {

std::string harden_section(RunView const& run);  // empty without tables/harden_gates.csv

// "hardened: refusal of held-out harmful prompts 2 % -> 100 %; accepted: every gate is passed", or which were not;
// empty without that table.
std::string harden_headline(RunView const& run);

// Loss by step, and refusals by the number of suppressed experts.
std::vector<Figure> harden_figures(RunView const& run);

}  // namespace gatesweep
