// What a sweep shows: which sets changed refusals beyond chance, and which sets the terminal's result, report.html and
// the sheet of `gatesweep labels` speak of. One rule for all of them.
#pragma once

#include <string_view>
#include <vector>

#include "gatesweep/report/sweep_view.h"

namespace gatesweep {

enum class Evidence {
    beyond_chance,  // q <= 0.05, and its random sets do not move refusals as far (see below)
    within_chance,
    not_compared,  // no random set was tried like it, so what editing any experts does is not known
};

inline constexpr double significance_level = 0.05;

// A set passes its random sets with an empirical p of at most 0.05; where there are fewer than 19 of them, so that no p
// is as low, when none of them moved refusals as far.
Evidence evidence_of(SweepView const& sweep, TrialResult const& result);

// The strongest set of the grid on a group: the largest effect beyond chance; where there is none, the largest effect;
// of equals the set with fewer experts. In a sweep without a grid the same among the user's own sets. Null without
// sets.
TrialResult const* strongest(SweepView const& sweep, std::string_view group);

// The strongest set of the grid, then every set of the user's own, in the table's order.
std::vector<TrialResult const*> headline_sets(SweepView const& sweep, std::string_view group);

}  // namespace gatesweep
