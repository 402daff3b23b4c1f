// Private to report: which trials of a sweep to show, and how its numbers are written. The terminal's lines, the
// figures and report.html all take them from here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/report/evidence.h"
#include "gatesweep/report/sweep_view.h"

namespace gatesweep {

// Who labelled the replies of a sweep.
struct LabelledBy {
    std::int64_t num_replies = 0;
    std::int64_t num_human = 0;
    std::int64_t num_unscored = 0;
    std::int64_t num_mixed = 0;  // pairs
};
LabelledBy labelled_by(SweepView const& sweep);

// Larger effect first, then fewer experts, then smaller exact p. An effect that was not measured comes last.
bool is_stronger(TrialResult const& a, TrialResult const& b);

// The results of these kinds on a group, strongest first; equals keep the table's order.
std::vector<TrialResult const*> strongest_first(SweepView const& sweep, std::string_view group,
                                                std::vector<std::string_view> const& kinds);

// The selected set of each signal with the largest effect, and every set of the user's own; largest effect first.
std::vector<TrialResult const*> strongest_of_signals(SweepView const& sweep, std::string_view group);

// To set beside them: the strongest of the reverse and bottom sets, and of the random sets with the size and edit of
// the group's strongest set.
std::vector<TrialResult const*> controls_beside(SweepView const& sweep, std::string_view group);

// What to show of a great many sets, strongest first: at most `max_sets` that were chosen (selected, custom) and at
// most a quarter as many controls (reverse, bottom), together no more than max_sets.
std::vector<TrialResult const*> most_telling(SweepView const& sweep, std::string_view group, std::size_t max_sets);

// "activation malicious-dominant, 5 experts, gap 0.05"; the edit is named where the sweep has several.
std::string set_name(SweepView const& sweep, TrialResult const& result);
std::string edit_text(EditRule const& edit);  // "mask", "bias -2, decode only"
std::string edit_verb(EditRule const& edit);  // "suppressed"
std::string experts_text(std::vector<ExpertId> const& experts, std::size_t max_experts);  // "2:5 3:1"

std::string percent_text(double fraction);            // "99.9"; never "100" for less than all
std::string points_text(double difference);           // "-12.5", of 100
std::string p_text(std::string_view name, double p);  // "p = 0.0075", "p < 1e-29"

}  // namespace gatesweep
