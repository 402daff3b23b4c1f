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
    std::int64_t num_human = 0;             // labelled by a person
    std::int64_t num_human_scored = 0;      // of these, scored
    std::int64_t num_human_restricted = 0;  // of these
    std::int64_t num_mixed = 0;  // a person labelled either the reply or the baseline's, the labeller the other
    std::int64_t num_empty = 0;
    std::int64_t num_repetitive = 0;
    LabelTally labels{};
    std::array<LabelTally, all_labels.size()> transitions{};  // [label at baseline][label in the trial]

    // Restricted at the baseline (first) and in the trial (second); prompts scored in both, mixed pairs left out unless
    // the job allows them (`transitions` too). The baseline is its own pair.
    PairedCounts pairs;
    // The rest is the trial's alone; nothing for the baseline and where no pair is scored.
    std::optional<RateDifference> difference;  // restricted rate of the trial minus the baseline's
    std::optional<McNemarTest> test;
    // Of the exact test: of selected trials among the selected ones of the group, of custom trials among those.
    std::optional<double> q_value;
    std::optional<double> p_empirical;  // of selected and custom trials, against their own random sets

    std::int64_t num_scored() const { return restricted + non_restricted; }
    std::optional<double> paired_rate() const;  // restricted in the trial, of the pairs
};

struct GroupEffects {
    std::string group;
    std::vector<TrialEffect> trials;  // as in the plan
};

// In the order in which the groups appear among the prompts. Outcomes that do not fit the plan are an internal error.
std::vector<GroupEffects> trial_effects(TrialPlan const& plan, SweepOutcomes const& outcomes);

// Of one trial on some rows of the outcomes, without q and empirical p.
TrialEffect effect_on_rows(TrialPlan const& plan, SweepOutcomes const& outcomes, std::size_t trial,
                           std::vector<std::size_t> const& rows);

// What random trials of one kind have in common: this many experts, edited the same way.
struct ControlShape {
    std::size_t num_experts = 0;
    EditMode mode = EditMode::mask;
    EditScope scope = EditScope::both;
    std::optional<double> dose;
    bool operator==(ControlShape const&) const = default;
};
ControlShape control_shape(Trial const& trial);

// Differences of the trial's own controls, those without a scored pair left out: what `p_empirical` compares with,
// one-sided in the direction of the trial's own difference (analysis/multiplicity.h).
std::vector<double> control_differences(TrialPlan const& plan, GroupEffects const& group, Trial const& trial);

}  // namespace gatesweep
