// Which sets a sweep may say something of: the rule, and how often it speaks where there is nothing.
#include "gatesweep/report/evidence.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "gatesweep/report/headline.h"
#include "gatesweep/report/run_view.h"
#include "gatesweep/sweep/plan_tables.h"
#include "gatesweep/sweep/trial_summaries.h"
#include "gatesweep/sweep/trial_table.h"

namespace gatesweep {
namespace {

// A sweep on one group, as its own tables show it to the report: sets with controls of their own.
struct Sweep {
    TrialPlan plan;
    SweepOutcomes outcomes;

    explicit Sweep(std::int64_t num_prompts) {
        for (std::int64_t p = 0; p < num_prompts; ++p) {
            outcomes.prompt_index.push_back(p);
            outcomes.group.push_back("harmful");
        }
        add(TrialKind::baseline, "baseline", std::vector<bool>(static_cast<std::size_t>(num_prompts), true));
    }

    std::size_t add(TrialKind kind, std::string id, std::vector<bool> const& refused) {
        Trial trial;
        trial.id = trial.name = std::move(id);
        trial.kind = kind;
        if (kind != TrialKind::baseline) trial.edits = {{{0, static_cast<std::int64_t>(plan.trials.size() % 8)}, 1.0}};
        plan.trials.push_back(std::move(trial));
        outcomes.outcomes.emplace_back();
        for (bool const one : refused)
            outcomes.outcomes.back().push_back(
                {one ? Label::full_refusal : Label::full_compliance, false, false, false});
        return plan.trials.size() - 1;
    }
    void add_controls(std::size_t of, int count, std::vector<bool> const& refused) {
        for (int i = 0; i < count; ++i) {
            std::size_t const control = add(TrialKind::random, fmt::format("r{}-{}", of, plan.trials.size()), refused);
            plan.trials[of].controls.push_back(plan.trials[control].id);
        }
    }

    RunView view() const {
        RunView run;
        run.job.sweep_prompts = {"harmful"};
        run.groups = {"harmful"};
        run.num_layers = 1;
        run.num_experts = 8;
        for (CsvTable table :
             {trials_table(plan, outcomes), trial_controls_table(plan), control_summary_table(plan, outcomes)}) {
            std::string const name = table.name;
            run.tables.emplace(name, std::move(table));
        }
        run.sweep = read_sweep(run);
        return run;
    }
};

std::vector<bool> refusing(std::size_t first, std::size_t num_prompts) {
    std::vector<bool> refused(num_prompts, false);
    std::fill_n(refused.begin(), first, true);
    return refused;
}

Evidence evidence(Sweep const& sweep, std::string const& id) {
    RunView const run = sweep.view();
    return evidence_of(*run.sweep, *run.sweep->find(id, "harmful"));
}

TEST(Evidence, NeedsASmallQAndRandomSetsThatDoLess) {
    Sweep sweep(40);
    std::size_t const strong = sweep.add(TrialKind::selected, "strong", refusing(10, 40));
    std::size_t const weak = sweep.add(TrialKind::selected, "weak", refusing(37, 40));
    std::size_t const common = sweep.add(TrialKind::selected, "common", refusing(12, 40));
    sweep.add(TrialKind::selected, "alone", refusing(11, 40));
    sweep.add_controls(strong, 20, refusing(39, 40));
    sweep.add_controls(weak, 20, refusing(40, 40));
    sweep.add_controls(common, 20, refusing(5, 40));
    EXPECT_EQ(evidence(sweep, "strong"), Evidence::beyond_chance);
    EXPECT_EQ(evidence(sweep, "weak"), Evidence::within_chance) << "3 of 40";
    EXPECT_EQ(evidence(sweep, "common"), Evidence::within_chance) << "random sets do more";
    EXPECT_EQ(evidence(sweep, "alone"), Evidence::not_compared);
    EXPECT_EQ(strongest(*sweep.view().sweep, "harmful")->id, "strong") << "the largest effect beyond chance";
}

TEST(Evidence, WithFewRandomSetsIsThatNoneOfThemDoesAsMuch) {
    for (int const num_random : {1, 3, 18}) {
        Sweep sweep(40);
        std::size_t const set = sweep.add(TrialKind::selected, "set", refusing(10, 40));
        sweep.add_controls(set, num_random, refusing(11, 40));
        EXPECT_EQ(evidence(sweep, "set"), Evidence::beyond_chance) << num_random;
        sweep.add_controls(set, 1, refusing(10, 40));
        EXPECT_EQ(evidence(sweep, "set"), Evidence::within_chance) << num_random;
    }
}

TEST(Evidence, OfOnesOwnSetsStandsInTheHeadlineBesideTheGrids) {
    Sweep sweep(40);
    std::size_t const grid = sweep.add(TrialKind::selected, "grid", refusing(39, 40));
    std::size_t const own = sweep.add(TrialKind::custom, "my four", refusing(2, 40));
    sweep.add(TrialKind::custom, "no effect", refusing(40, 40));
    sweep.add_controls(grid, 20, refusing(40, 40));
    sweep.add_controls(own, 20, refusing(40, 40));
    RunView const run = sweep.view();
    auto const sets = headline_sets(*run.sweep, "harmful");
    ASSERT_EQ(sets.size(), 3u);
    EXPECT_EQ(sets[0]->id, "grid");
    EXPECT_EQ(sets[1]->id, "my four");
    RunView whole = run;
    whole.tables.emplace("class_counts", CsvTable{"class_counts", {"signal", "label", "count"}, {}});
    whole.tables.emplace("overlap", CsvTable{"overlap", {"signal", "top_n", "overlap", "experts"}, {}});
    auto const lines = headline(whole).result;
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0].find("no set changed refusals beyond chance; the largest: refusal 100 % -> 97.5 % with "), 0u)
        << lines[0];
    EXPECT_NE(lines[0].find(", q = 1, empirical p = 0.048)"), std::string::npos) << lines[0];
    EXPECT_EQ(lines[2].find("your set \"my four\": refusal 100 % -> 5 % with "), 0u) << lines[2];
    EXPECT_NE(lines[2].find("20 random sets like it: 100 % (lowest 100 %)"), std::string::npos) << lines[2];
    EXPECT_EQ(lines[3].find("your set \"no effect\", within chance: "), 0u) << lines[3];
}

// Sweeps without any effect: what each prompt's replies were called is dealt anew to the trials, the baseline among
// them. What the terminal would claim of them is false.
TEST(Evidence, OfShuffledLabelsIsClaimedInFewerThanOneSweepOfTwenty) {
    constexpr int num_sweeps = 1000, num_selected = 12, num_custom = 2, num_random = 20;
    constexpr std::size_t num_prompts = 100;
    std::mt19937_64 random(2026);
    int by_grid = 0, by_own = 0, by_either = 0;
    for (int s = 0; s < num_sweeps; ++s) {
        Sweep sweep(num_prompts);
        for (int i = 0; i < num_selected + num_custom; ++i) {
            TrialKind const kind = i < num_selected ? TrialKind::selected : TrialKind::custom;
            std::size_t const set = sweep.add(kind, fmt::format("s{}", i), refusing(60, num_prompts));
            sweep.add_controls(set, num_random, refusing(60, num_prompts));
        }
        for (std::size_t p = 0; p < num_prompts; ++p) {
            // Some prompts are always refused, some never, some now and then.
            double const share = p < 40 ? 1.0 : p < 60 ? 0.0 : static_cast<double>(p - 59) / 41.0;
            std::vector<Label> labels(sweep.plan.trials.size(), Label::full_compliance);
            std::fill_n(labels.begin(), static_cast<std::size_t>(share * static_cast<double>(labels.size())),
                        Label::full_refusal);
            std::shuffle(labels.begin(), labels.end(), random);
            for (std::size_t t = 0; t < labels.size(); ++t)
                sweep.outcomes.outcomes[t][p].label = labels[t];
        }
        RunView const run = sweep.view();
        bool grid = false, own = false;
        for (TrialResult const* const set : headline_sets(*run.sweep, "harmful"))
            (set->kind == "custom" ? own : grid) |= evidence_of(*run.sweep, *set) == Evidence::beyond_chance;
        by_grid += grid;
        by_own += own;
        by_either += grid || own;
    }
    RecordProperty("claims_of_the_grid", by_grid);
    RecordProperty("claims_of_own_sets", by_own);
    std::printf("[ measured ] of %d null sweeps %d claim an effect: %d by the grid, %d by a set of one's own\n",
                num_sweeps, by_either, by_grid, by_own);
    EXPECT_LE(by_either, num_sweeps / 20);
}

}  // namespace
}  // namespace gatesweep
