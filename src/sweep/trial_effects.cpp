#include "gatesweep/sweep/trial_effects.h"

#include <cmath>
#include <limits>
#include <unordered_set>

#include "gatesweep/analysis/multiplicity.h"
#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

void expect_consistent(TrialPlan const& plan, SweepOutcomes const& outcomes) {
    GATESWEEP_VALIDATE(!plan.trials.empty() && plan.trials.front().kind == TrialKind::baseline, ExitCode::internal,
                       "the trial plan does not begin with the baseline (nothing can be compared)");
    GATESWEEP_VALIDATE(outcomes.outcomes.size() == plan.trials.size(), ExitCode::internal,
                       "outcomes of {} trials for a plan of {}", outcomes.outcomes.size(), plan.trials.size());
    GATESWEEP_VALIDATE(outcomes.prompt_index.size() == outcomes.group.size(), ExitCode::internal,
                       "{} prompts with {} groups in the outcomes", outcomes.prompt_index.size(),
                       outcomes.group.size());
    for (std::size_t t = 0; t < plan.trials.size(); ++t) {
        GATESWEEP_VALIDATE(outcomes.outcomes[t].size() == outcomes.group.size(), ExitCode::internal,
                           "trial {} has outcomes of {} prompts of {}", plan.trials[t].id, outcomes.outcomes[t].size(),
                           outcomes.group.size());
    }
}

void count_pair(PairedCounts& pairs, bool first, bool second) {
    ++(first ? (second ? pairs.both : pairs.only_first) : (second ? pairs.only_second : pairs.neither));
}

void count_reply(TrialEffect& effect, Outcome const& outcome) {
    ++effect.num_prompts;
    if (outcome.empty) ++effect.num_empty;
    if (outcome.repetitive) ++effect.num_repetitive;
    if (outcome.by_person) ++effect.num_human;
    ++effect.labels[static_cast<std::size_t>(outcome.label)];
    auto const restricted = is_restricted(outcome.label);
    if (!restricted) return;
    ++(*restricted ? effect.restricted : effect.non_restricted);
    if (!outcome.by_person) return;
    ++effect.num_human_scored;
    if (*restricted) ++effect.num_human_restricted;
}

TrialEffect count(std::vector<Outcome> const& baseline, std::vector<Outcome> const& trial,
                  std::vector<std::size_t> const& rows, MixedPairs mixed) {
    TrialEffect effect;
    for (std::size_t const row : rows) {
        Outcome const &before = baseline[row], &after = trial[row];
        count_reply(effect, after);
        bool const is_mixed = before.by_person != after.by_person;
        if (is_mixed) ++effect.num_mixed;
        if (is_mixed && mixed == MixedPairs::leave_out) continue;
        ++effect.transitions[static_cast<std::size_t>(before.label)][static_cast<std::size_t>(after.label)];
        auto const restricted_before = is_restricted(before.label), restricted = is_restricted(after.label);
        if (restricted_before && restricted) count_pair(effect.pairs, *restricted_before, *restricted);
    }
    return effect;
}

void test_against_baseline(TrialEffect& effect) {
    if (effect.pairs.num_pairs() == 0) return;
    effect.difference = paired_difference(effect.pairs);
    effect.test = mcnemar_test(effect.pairs.only_first, effect.pairs.only_second);
}

// Of the trials of one kind, which are one family of hypotheses.
void add_q_values(TrialPlan const& plan, TrialKind kind, GroupEffects& group) {
    std::vector<double> p_values;
    for (std::size_t t = 0; t < plan.trials.size(); ++t) {
        bool const counts = plan.trials[t].kind == kind && group.trials[t].test;
        p_values.push_back(counts ? group.trials[t].test->exact : std::numeric_limits<double>::quiet_NaN());
    }
    auto const q_values = benjamini_hochberg(p_values);
    for (std::size_t t = 0; t < plan.trials.size(); ++t) {
        if (!std::isnan(q_values[t])) group.trials[t].q_value = q_values[t];
    }
}

void add_empirical_p(TrialPlan const& plan, GroupEffects& group) {
    for (std::size_t t = 0; t < plan.trials.size(); ++t) {
        TrialEffect& effect = group.trials[t];
        if (!effect.difference) continue;
        auto const controls = control_differences(plan, group, plan.trials[t]);
        if (!controls.empty()) effect.p_empirical = empirical_p(effect.difference->estimate, controls);
    }
}

}  // namespace

std::optional<double> TrialEffect::paired_rate() const {
    if (pairs.num_pairs() == 0) return std::nullopt;
    return static_cast<double>(pairs.both + pairs.only_second) / static_cast<double>(pairs.num_pairs());
}

TrialEffect effect_on_rows(TrialPlan const& plan, SweepOutcomes const& outcomes, std::size_t trial,
                           std::vector<std::size_t> const& rows) {
    TrialEffect effect = count(outcomes.outcomes.front(), outcomes.outcomes[trial], rows, outcomes.mixed);
    if (plan.trials[trial].kind != TrialKind::baseline) test_against_baseline(effect);
    return effect;
}

std::vector<GroupEffects> trial_effects(TrialPlan const& plan, SweepOutcomes const& outcomes) {
    expect_consistent(plan, outcomes);
    std::vector<GroupEffects> groups;
    for (std::string const& name : outcomes.groups()) {
        std::vector<std::size_t> rows;
        for (std::size_t row = 0; row < outcomes.group.size(); ++row) {
            if (outcomes.group[row] == name) rows.push_back(row);
        }
        GroupEffects group{name, {}};
        for (std::size_t t = 0; t < plan.trials.size(); ++t)
            group.trials.push_back(effect_on_rows(plan, outcomes, t, rows));
        add_q_values(plan, TrialKind::selected, group);
        add_q_values(plan, TrialKind::custom, group);
        add_empirical_p(plan, group);
        groups.push_back(std::move(group));
    }
    return groups;
}

ControlShape control_shape(Trial const& trial) {
    return {trial.edits.size(), trial.mode, trial.scope, trial.dose};
}

std::vector<double> control_differences(TrialPlan const& plan, GroupEffects const& group, Trial const& trial) {
    std::vector<double> differences;
    if (trial.controls.empty()) return differences;
    std::unordered_set<std::string> const controls(trial.controls.begin(), trial.controls.end());
    for (std::size_t t = 0; t < plan.trials.size(); ++t) {
        auto const& difference = group.trials[t].difference;
        if (difference && controls.contains(plan.trials[t].id)) differences.push_back(difference->estimate);
    }
    return differences;
}

}  // namespace gatesweep
