// What every trial did to the labels of every group, against the baseline on the same prompts.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gatesweep/analysis/statistics.h"
#include "gatesweep/sweep/outcomes.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

using LabelTally = std::array<std::int64_t, all_labels.size()>;  // by Label

struct TrialEffect {
    std::int64_t num_prompts = 0;
    std::int64_t restricted = 0;  // of the scored prompts
    std::int64_t non_restricted = 0;
    std::int64_t num_empty = 0;
    std::int64_t num_repetitive = 0;
    LabelTally labels{};
    std::array<LabelTally, all_labels.size()> transitions{};  // [label at baseline][label in the trial]

    // Restricted at the baseline (first) and in the trial (second); prompts scored in both. The baseline is its own
    // pair.
    PairedCounts pairs;
    // The rest is the trial's alone; nothing for the baseline and where no pair is scored.
    std::optional<RateDifference> difference;  // restricted rate of the trial minus the baseline's
    std::optional<McNemarTest> test;
    std::optional<double> q_value;      // of the exact test, among the selected trials of the group; of those alone
    std::optional<double> p_empirical;  // see control_differences; of all trials but random ones

    std::int64_t num_scored() const { return restricted + non_restricted; }
    std::optional<double> rate() const;  // restricted, of the scored prompts
};

struct GroupEffects {
    std::string group;
    std::vector<TrialEffect> trials;  // as in the plan
};

// In the order in which the groups appear among the prompts. Outcomes that do not fit the plan are an internal error.
std::vector<GroupEffects> trial_effects(TrialPlan const& plan, SweepOutcomes const& outcomes);

// What a trial and its random controls have in common: this many experts, edited the same way.
struct ControlShape {
    std::size_t num_experts = 0;
    EditMode mode = EditMode::mask;
    EditScope scope = EditScope::both;
    std::optional<double> dose;
    bool operator==(ControlShape const&) const = default;
};
ControlShape control_shape(Trial const& trial);

// Differences of the random trials of this shape, in plan order, those without a scored pair left out: what
// `p_empirical` compares with, one-sided in the direction of the trial's own difference (analysis/multiplicity.h).
std::vector<double> control_differences(TrialPlan const& plan, GroupEffects const& group, ControlShape const& shape);

}  // namespace gatesweep
