// What two runs measured, compared prompt by prompt.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "app/verify/signals.h"
#include "gatesweep/analysis/analysis.h"

namespace gatesweep {

struct PromptMatch {
    std::vector<std::pair<std::int64_t, std::int64_t>> rows;  // of the first and the second run, in the first's order
    std::vector<std::string> only_first, only_second;         // "harmful h7"
    std::int64_t num_other_tokens = 0;                        // matched, but of another number of tokens; not in rows

    bool is_complete() const { return only_first.empty() && only_second.empty() && num_other_tokens == 0; }
};
// By group and id. Where a group has an id several times, its first is matched with the first, and so on.
PromptMatch match_prompts(AnalysisInput const& first, AnalysisInput const& second);

struct SignalAgreement {
    std::int64_t num_cells = 0;  // of the counts of matched prompts
    std::int64_t equal_cells = 0;
    std::int64_t num_scores = 0;
    std::int64_t equal_scores = 0;
    SignalsDifference difference;
    // Of the group's mean maps over matched prompts, by group of the first run: activation and gradient.
    struct Group {
        std::string name;
        double activation = 0.0;
        double gradient = 0.0;
    };
    std::vector<Group> rank_correlations;

    bool is_equal() const { return equal_cells == num_cells && equal_scores == num_scores && difference.losses == 0; }
};
// Both of one shape of model.
SignalAgreement compare_signals(AnalysisInput const& first, AnalysisInput const& second, PromptMatch const& match);

}  // namespace gatesweep
