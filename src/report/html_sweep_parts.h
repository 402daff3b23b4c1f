// Private to report: pieces that the sections about a sweep share.
#pragma once

#include <string>

#include "gatesweep/report/run_view.h"
#include "html_parts.h"

namespace gatesweep {

// How far the labels can be trusted: in full where the result stands, in one line beside every other table of rates.
std::string labeller_note(RunView const& run);

std::string labeller_line(RunView const& run);

// Pieces.
std::string set_html(SweepView const& sweep, TrialResult const& result);

std::string experts_html(TrialResult const& result, std::size_t max_experts = 12);

std::string interval_html(std::string const& low, std::string const& high);

HtmlCell rate_cell(TrialResult const& result);  // %, with its interval

HtmlCell difference_cell(TrialResult const& result);  // points, with its interval

HtmlCell p_cell(double p);

HtmlCell optional_cell(double value);  // empty where it was not measured

}  // namespace gatesweep
