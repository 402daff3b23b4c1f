// How many tokens each trial's edits met: the proof that it did something.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gatesweep/sweep/generator.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

// By trial and group; trials from 1, the baseline edits nothing. A token counts where the table of edits that the
// passes read has an entry for it in any layer: the prompt's tokens, and those that were generated and fed back (all
// but the last of a reply). `groups` and `prompts` by prompt.
std::map<std::pair<std::int64_t, std::string>, std::int64_t> tokens_affected(
    RouterEdits const& edits, std::vector<std::string> const& groups,
    std::vector<std::vector<std::int32_t>> const& prompts, std::vector<Completion> const& completions);

// Errors: ExitCode::bad_data for a trial that met no token of any group, by its name: no effect of it would say nothing
// about its experts.
void require_tokens_affected(TrialPlan const& plan,
                             std::map<std::pair<std::int64_t, std::string>, std::int64_t> const& affected);

}  // namespace gatesweep
