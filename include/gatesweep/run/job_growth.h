// What a job may add to the one that a folder's work was begun with: everything that is there stays, and only what is
// new runs.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gatesweep/input/job.h"

namespace gatesweep {

// Whatever of `now` cannot be added to `before`, as job_differences writes it; empty when `now` is the same job, or one
// that has more of:
//   a sweep at all; its signals, classes, sizes, gap thresholds, modes, scopes, doses, prompts, groups of side effects;
//   sets of the user's own; random sets (of the same kind), reverse and bottom sets; prompts of the screen;
//   cells that allow_fewer admits; numbers of experts that are activated and deactivated
//   pairs, scores from elsewhere, phases whose tokens are counted
// and what decides no result: slots, the report's title and marks, resamples. `sizes_tried`: those that automatic sizes
// came to, where that is known: a list may take their place that holds them all.
std::vector<std::string> differences_beyond_growth(Job const& before, Job const& now,
                                                   std::optional<std::set<std::int64_t>> const& sizes_tried);

}  // namespace gatesweep
