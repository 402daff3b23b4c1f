// Private to report: what report.html says about a sweep. Every section is empty for a run without one.
#pragma once

#include <string>

#include "gatesweep/report/run_view.h"
#include "html_parts.h"

namespace gatesweep {

std::string sweep_section(RunView const& run);  // the result in words, its controls, the effect plot
std::string doses_section(RunView const& run);
std::string single_experts_section(RunView const& run);  // sets of one expert, and the screen
std::string trials_section(RunView const& run);
std::string transitions_section(RunView const& run);
std::string side_effects_section(RunView const& run);
std::string categories_section(RunView const& run);  // by a column of the prompt files, where the job names one
std::string examples_section(RunView const& run);    // from completions.jsonl; errors: as read_replies
std::string grid_section(RunView const& run);
std::string sweep_terms();  // <dt><dd> pairs for the reading guide

// How far the labels can be trusted: in full where the result stands, in one line beside every other table of rates.
std::string labeller_note(RunView const& run);
std::string labeller_line(RunView const& run);

// Pieces.
std::string set_html(SweepView const& sweep, TrialResult const& result);
std::string experts_html(TrialResult const& result, std::size_t max_experts = 12);
std::string interval_html(std::string const& low, std::string const& high);
HtmlCell rate_cell(TrialResult const& result);        // %, with its interval
HtmlCell difference_cell(TrialResult const& result);  // points, with its interval
HtmlCell p_cell(double p);
HtmlCell optional_cell(double value);  // empty where it was not measured

}  // namespace gatesweep
