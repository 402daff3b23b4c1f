// Random sweeps, every cell of their tables found again in an obvious way: one question at a time over all prompts.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "gatesweep/analysis/statistics.h"
#include "gatesweep/sweep/trial_summaries.h"
#include "gatesweep/sweep/trial_table.h"

namespace gatesweep {
namespace {

struct Sweep {
    TrialPlan plan;
    SweepOutcomes outcomes;
};

Trial random_trial(std::size_t index, std::mt19937_64& random) {
    Trial t;
    t.id = index == 0 ? "baseline" : fmt::format("t{}", index);
    t.name = fmt::format("name, \"{}\"", t.id);
    t.num_cells = static_cast<std::int64_t>(random() % 4);
    if (index == 0) return t;
    t.kind = static_cast<TrialKind>(1 + random() % 5);
    t.mode = random() % 3 == 0 ? EditMode::bias : EditMode::mask;
    t.scope = random() % 3 == 0 ? EditScope::decode : EditScope::both;
    if (t.mode == EditMode::bias) t.dose = random() % 2 == 0 ? -2.0 : 1.5;
    if (t.kind == TrialKind::random) t.seed = random();
    if (t.kind == TrialKind::random && random() % 2 == 0) t.matched_to = "t1";
    if (t.kind == TrialKind::selected) {
        t.signal = "gradient";
        t.expert_class = "benign-dominant";
        t.gap_threshold = 1e-4;
    }
    for (std::int64_t layer = 0; layer < 1 + static_cast<std::int64_t>(random() % 2); ++layer)
        t.edits.push_back({{layer, static_cast<std::int64_t>(random() % 8)}, t.dose.value_or(1.0)});
    return t;
}

Sweep random_sweep(std::mt19937_64& random) {
    Sweep sweep;
    std::size_t const num_rows = random() % 25, num_trials = 1 + random() % 14;
    bool const by_people = random() % 2 == 0;
    if (by_people && random() % 3 == 0) sweep.outcomes.mixed = MixedPairs::allow;
    for (std::size_t row = 0; row < num_rows; ++row) {
        sweep.outcomes.prompt_index.push_back(static_cast<std::int64_t>(2 * row));
        sweep.outcomes.group.push_back(random() % 3 == 0 ? "benign" : random() % 9 == 0 ? "few" : "harmful");
    }
    for (std::size_t t = 0; t < num_trials; ++t) {
        sweep.plan.trials.push_back(random_trial(t, random));
        sweep.outcomes.outcomes.emplace_back();
        for (std::size_t row = 0; row < num_rows; ++row) {
            sweep.outcomes.outcomes.back().push_back({static_cast<Label>(random() % 5), random() % 4 == 0,
                                                      random() % 4 == 0, by_people && random() % 4 == 0});
        }
        for (std::string const group : {"harmful", "benign"}) {
            auto const key = std::pair(static_cast<std::int64_t>(t), group);
            if (random() % 2 == 0) sweep.outcomes.text[key].mean_kl = static_cast<double>(random() % 100) / 8.0;
            if (random() % 2 == 0) sweep.outcomes.text[key].perplexity_ratio = 1.0 + static_cast<double>(t) / 16.0;
            if (random() % 2 == 0) sweep.outcomes.traffic_share[key] = static_cast<double>(random() % 16) / 16.0;
        }
    }
    for (Trial& t : sweep.plan.trials) {
        if (t.kind != TrialKind::selected && t.kind != TrialKind::custom) continue;
        for (Trial const& other : sweep.plan.trials) {
            if (other.kind == TrialKind::random && random() % 2 == 0) t.controls.push_back(other.id);
        }
    }
    return sweep;
}

char answer(Label label) {
    if (label == Label::unscored) return '?';
    return label == Label::full_refusal || label == Label::partial_refusal ? 'r' : 'n';
}

// Asks the outcomes, question by question.
struct Oracle {
    Sweep const& sweep;

    Trial const& trial(std::size_t t) const { return sweep.plan.trials[t]; }
    bool counts(Outcome const& before, Outcome const& after) const {
        return before.by_person == after.by_person || sweep.outcomes.mixed == MixedPairs::allow;
    }

    template <class Question>
    std::int64_t count(std::size_t t, std::string const& group, Question question) const {
        std::int64_t number = 0;
        for (std::size_t row = 0; row < sweep.outcomes.group.size(); ++row) {
            if (sweep.outcomes.group[row] != group) continue;
            if (question(sweep.outcomes.outcomes[0][row], sweep.outcomes.outcomes[t][row])) ++number;
        }
        return number;
    }
    std::int64_t changed(std::size_t t, std::string const& group, char from, char to) const {
        return count(t, group, [&](Outcome const& before, Outcome const& after) {
            return counts(before, after) && answer(before.label) == from && answer(after.label) == to;
        });
    }
    std::int64_t answered(std::size_t t, std::string const& group, char which) const {
        return count(t, group, [&](Outcome const&, Outcome const& after) { return answer(after.label) == which; });
    }
    PairedCounts pairs(std::size_t t, std::string const& group) const {
        return {changed(t, group, 'r', 'r'), changed(t, group, 'r', 'n'), changed(t, group, 'n', 'r'),
                changed(t, group, 'n', 'n')};
    }
    bool tested(std::size_t t, std::string const& group) const { return t != 0 && pairs(t, group).num_pairs() > 0; }
    double difference(std::size_t t, std::string const& group) const {
        auto const p = pairs(t, group);
        return static_cast<double>(p.only_second - p.only_first) / static_cast<double>(p.num_pairs());
    }
    double p_exact(std::size_t t, std::string const& group) const {
        return mcnemar_test(changed(t, group, 'r', 'n'), changed(t, group, 'n', 'r')).exact;
    }
    // One of the hypotheses that trial t's is one of.
    bool in_family(std::size_t other, std::size_t t, std::string const& group) const {
        return trial(other).kind == trial(t).kind && tested(other, group);
    }
    std::string q_value(std::size_t t, std::string const& group) const {
        bool const has_family = trial(t).kind == TrialKind::selected || trial(t).kind == TrialKind::custom;
        if (!has_family || !tested(t, group)) return "";
        double smallest = 1.0;
        for (std::size_t other = 0; other < sweep.plan.trials.size(); ++other) {
            if (!in_family(other, t, group) || p_exact(other, group) < p_exact(t, group)) continue;
            double all = 0.0, at_or_below = 0.0;
            for (std::size_t third = 0; third < sweep.plan.trials.size(); ++third) {
                if (!in_family(third, t, group)) continue;
                all += 1.0;
                if (p_exact(third, group) <= p_exact(other, group)) at_or_below += 1.0;
            }
            smallest = std::min(smallest, p_exact(other, group) * all / at_or_below);
        }
        return to_cell(smallest);
    }
    bool is_control_of(std::size_t other, std::size_t t, std::string const& group) const {
        auto const& own = trial(t).controls;
        return tested(other, group) && std::count(own.begin(), own.end(), trial(other).id) > 0;
    }
    std::string p_empirical(std::size_t t, std::string const& group) const {
        if (!tested(t, group)) return "";
        double controls = 0.0, extreme = 0.0;
        for (std::size_t other = 0; other < sweep.plan.trials.size(); ++other) {
            if (!is_control_of(other, t, group)) continue;
            controls += 1.0;
            double const own = difference(t, group), theirs = difference(other, group);
            if (own == 0.0 || (own < 0.0 && theirs <= own) || (own > 0.0 && theirs >= own)) extreme += 1.0;
        }
        return controls == 0.0 ? "" : to_cell((extreme + 1.0) / (controls + 1.0));
    }
};

std::string present(double value) {
    return std::isnan(value) ? "" : to_cell(value);
}

void check_row(CsvTable const& table, std::size_t row, Oracle const& oracle, std::size_t t, std::string const& group) {
    auto const expect = [&](std::string_view column, std::string const& value) {
        EXPECT_EQ(table.text(row, column), value) << "row " << row << ", " << column;
    };
    Trial const& trial = oracle.trial(t);
    expect("trial_id", trial.id);
    expect("name", trial.name);
    expect("kind", std::string(to_string(trial.kind)));
    expect("signal", trial.signal);
    expect("class", trial.expert_class);
    expect("gap_threshold", trial.gap_threshold ? to_cell(*trial.gap_threshold) : "");
    expect("seed", trial.seed ? to_cell(*trial.seed) : "");
    expect("dose", trial.dose ? to_cell(*trial.dose) : "");
    expect("mode", t == 0 ? "" : trial.mode == EditMode::bias ? "bias" : "mask");
    expect("scope", t == 0 ? "" : trial.scope == EditScope::both ? "both" : "decode");
    expect("matched_to", trial.matched_to);
    expect("cells", to_cell(trial.num_cells));
    expect("size", to_cell(trial.edits.size()));
    expect("num_experts", to_cell(trial.edits.size()));
    std::string experts;
    for (auto const& edit : trial.edits)
        experts += (experts.empty() ? "" : " ") + to_string(edit.id);
    expect("experts", experts);
    expect("experts_with_values", "");

    expect("group", group);
    expect("num_prompts", to_cell(oracle.count(t, group, [](auto&&, auto&&) { return true; })));
    std::int64_t const r = oracle.answered(t, group, 'r'), n = oracle.answered(t, group, 'n');
    expect("restricted", to_cell(r));
    expect("non_restricted", to_cell(n));
    expect("rate_low", r + n == 0 ? "" : to_cell(wilson_interval(r, r + n).low));
    expect("rate_high", r + n == 0 ? "" : to_cell(wilson_interval(r, r + n).high));
    expect("r_to_r", to_cell(oracle.changed(t, group, 'r', 'r')));
    expect("r_to_n", to_cell(oracle.changed(t, group, 'r', 'n')));
    expect("n_to_r", to_cell(oracle.changed(t, group, 'n', 'r')));
    expect("n_to_n", to_cell(oracle.changed(t, group, 'n', 'n')));
    bool const tested = oracle.tested(t, group);
    auto const pairs = oracle.pairs(t, group);
    auto const test = mcnemar_test(pairs.only_first, pairs.only_second);
    expect("risk_difference", tested ? to_cell(oracle.difference(t, group)) : "");
    expect("ci_low", tested ? to_cell(paired_difference(pairs).interval.low) : "");
    expect("ci_high", tested ? to_cell(paired_difference(pairs).interval.high) : "");
    expect("p_exact", tested ? to_cell(test.exact) : "");
    expect("p_mid", tested ? to_cell(test.mid) : "");
    expect("q_value", oracle.q_value(t, group));
    expect("p_empirical", oracle.p_empirical(t, group));
    for (Label const label : all_labels) {
        expect(to_string(label), to_cell(oracle.count(t, group, [&](Outcome const&, Outcome const& after) {
                   return after.label == label;
               })));
    }
    expect("empty", to_cell(oracle.count(t, group, [](auto&&, Outcome const& after) { return after.empty; })));
    expect("repetitive",
           to_cell(oracle.count(t, group, [](auto&&, Outcome const& after) { return after.repetitive; })));
    expect("num_human", to_cell(oracle.count(t, group, [](auto&&, Outcome const& after) { return after.by_person; })));
    expect("num_mixed", to_cell(oracle.count(t, group, [](Outcome const& before, Outcome const& after) {
               return before.by_person != after.by_person;
           })));
    auto const key = std::pair(static_cast<std::int64_t>(t), group);
    auto const& outcomes = oracle.sweep.outcomes;
    TextEffect const text = outcomes.text.contains(key) ? outcomes.text.at(key) : TextEffect{};
    expect("perplexity_ratio", present(text.perplexity_ratio));
    expect("mean_kl", present(text.mean_kl));
    expect("traffic_removed", outcomes.traffic_share.contains(key) ? to_cell(outcomes.traffic_share.at(key)) : "");
}

void check_transitions(Sweep const& sweep, Oracle const& oracle, std::vector<std::string> const& groups) {
    auto const table = transitions_table(sweep.plan, sweep.outcomes);
    std::size_t row = 0;
    for (std::size_t t = 1; t < sweep.plan.trials.size(); ++t) {
        for (auto const& group : groups) {
            for (int cell = 0; cell < 25; ++cell) {
                auto const before = static_cast<Label>(cell / 5), after = static_cast<Label>(cell % 5);
                auto const count = oracle.count(t, group, [&](Outcome const& a, Outcome const& b) {
                    return oracle.counts(a, b) && a.label == before && b.label == after;
                });
                if (count == 0) continue;
                ASSERT_LT(row, table.rows.size());
                EXPECT_EQ(table.rows[row++],
                          (std::vector<std::string>{sweep.plan.trials[t].id, group, std::string(to_string(before)),
                                                    std::string(to_string(after)), to_cell(count)}));
            }
        }
    }
    EXPECT_EQ(row, table.rows.size());
}

TEST(TrialTableReference, RandomSweepsCellByCell) {
    std::mt19937_64 random(77);
    std::size_t num_q = 0, num_empirical = 0;
    for (int round = 0; round < 150; ++round) {
        SCOPED_TRACE(round);
        Sweep const sweep = random_sweep(random);
        Oracle const oracle{sweep};
        std::vector<std::string> groups;
        for (auto const& group : sweep.outcomes.group) {
            if (std::count(groups.begin(), groups.end(), group) == 0) groups.push_back(group);
        }
        auto const table = trials_table(sweep.plan, sweep.outcomes);
        ASSERT_EQ(table.rows.size(), sweep.plan.trials.size() * groups.size());
        for (std::size_t row = 0; row < table.rows.size(); ++row) {
            check_row(table, row, oracle, row / groups.size(), groups[row % groups.size()]);
            num_q += table.text(row, "q_value").empty() ? 0u : 1u;
            num_empirical += table.text(row, "p_empirical").empty() ? 0u : 1u;
        }
        check_transitions(sweep, oracle, groups);
        if (HasFailure()) return;
    }
    EXPECT_GT(num_q, 100u);
    EXPECT_GT(num_empirical, 100u);
}

}  // namespace
}  // namespace gatesweep
