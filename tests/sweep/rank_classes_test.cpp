// Sets by ranks of score providers: counts over all layers, shares of every layer, and their controls.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "gatesweep/sweep/sweep_bound.h"
#include "gatesweep/sweep/trial_plan.h"
#include "sweep/plan_input.h"

namespace gatesweep {
namespace {

using namespace test;

// Scores that grow with the expert's number, of alternating sign; importance falls with it.
AnalysisResult with_provider(GapSpec const& spec = {}) {
    AnalysisResult result = gap_result(spec);
    ProviderScores scores;
    scores.name = "reap";
    scores.scores = {spec.num_layers, spec.num_experts, {}};
    std::int64_t const size = spec.num_layers * spec.num_experts;
    for (std::int64_t i = 0; i < size; ++i) {
        scores.scores.values.push_back(static_cast<double>(i + 1) * (i % 2 == 0 ? 1.0 : -1.0));
        scores.importance.push_back(static_cast<double>(size - i));
    }
    result.providers.push_back(completed(std::move(scores)));
    return result;
}

SweepSpec rank_sweep(std::vector<std::string> classes, std::vector<std::int64_t> sizes, std::vector<double> shares) {
    SweepSpec sweep = activation_sweep(std::move(sizes));
    sweep.signals = {"reap"};
    sweep.classes = std::move(classes);
    sweep.shares = std::move(shares);
    return sweep;
}

TEST(RankClasses, ByHand) {
    auto const plan = plan_trials(rank_sweep({"top", "bottom"}, {1, 3}, {25.0}), {}, with_provider());
    auto const sets = of_kind(plan, TrialKind::selected);
    ASSERT_EQ(sets.size(), 3u);  // the least important are those of the largest scores
    EXPECT_EQ(set_of(sets[0]), "3:7");
    EXPECT_EQ(sets[0].name, "reap top 1");
    EXPECT_EQ(sets[0].expert_class, "top");
    EXPECT_FALSE(sets[0].gap_threshold.has_value());
    EXPECT_EQ(set_of(sets[1]), "3:5 3:6 3:7");
    EXPECT_EQ(set_of(sets[2]), "0:6 0:7 1:6 1:7 2:6 2:7 3:6 3:7");
    EXPECT_EQ(sets[2].name, "reap top 8 (25 % of each layer)");
    EXPECT_EQ(sets[2].num_cells, 2);
    ASSERT_EQ(plan.cells.size(), 6u);
    EXPECT_EQ(plan.cells[3].trial_id, sets[0].id) << "the least important is the one of the largest score";
    EXPECT_EQ(plan.cells[5].outcome, "same as " + sets[2].id);
    EXPECT_EQ(plan.cells[5].size, 8);
}

TEST(RankClasses, TopGoesByTheProvidersOwnOrder) {
    AnalysisResult result = with_provider();
    std::ranges::rotate(result.providers.front().order, result.providers.front().order.end() - 2);
    auto const sets = of_kind(plan_trials(rank_sweep({"top"}, {2}, {}), {}, result), TrialKind::selected);
    ASSERT_EQ(sets.size(), 1u);
    EXPECT_EQ(set_of(sets[0]), "0:0 0:1");  // of the smallest scores
}

TEST(RankClasses, OfASignalGoByTheSizeOfItsGap) {
    auto sweep = rank_sweep({"top", "benign-dominant"}, {2}, {});
    sweep.signals = {"activation"};
    auto const plan = plan_trials(sweep, {}, one_layer_result({0.1, -0.4, 0.3, 0.0, 0.05}));
    auto const sets = of_kind(plan, TrialKind::selected);
    ASSERT_EQ(sets.size(), 2u);
    EXPECT_EQ(set_of(sets[0]), "0:1 0:2");
    EXPECT_EQ(set_of(sets[1]), "0:0 0:2");
}

TEST(RankClasses, ControlsOfHalfOfALayerAreDrawnFromAllOfIt) {
    auto sweep = rank_sweep({"bottom"}, {}, {50.0});
    sweep.controls.random = 20;
    auto const plan = plan_trials(sweep, {}, with_provider());
    auto const controls = of_kind(plan, TrialKind::random);
    ASSERT_EQ(controls.size(), 20u) << "the other halves alone are one set";
    std::set<std::string> sets;
    for (Trial const& control : controls) {
        std::map<std::int64_t, int> in_layer;
        for (ExpertId const id : control.experts())
            ++in_layer[id.layer];
        for (auto const& [layer, number] : in_layer)
            EXPECT_EQ(number, 4);
        EXPECT_EQ(in_layer.size(), 4u);
        sets.insert(set_of(control));
    }
    EXPECT_EQ(sets.size(), 20u);
    EXPECT_TRUE(plan.notices.empty());
}

TEST(RankClasses, TooMuchIsRefusedWithTheLayer) {
    auto const plan = plan_trials(rank_sweep({"bottom"}, {}, {12.5, 87.5}), {}, with_provider());
    ASSERT_EQ(plan.cells.size(), 2u);
    EXPECT_EQ(plan.cells[0].outcome, "trial");
    EXPECT_TRUE(plan.cells[1].outcome.starts_with("refused: ")) << plan.cells[1].outcome;
}

TEST(RankClasses, AreCountedBeforehand) {
    for (bool const listed : {true, false}) {
        auto sweep = wide_sweep();
        sweep.signals.push_back("reap");
        sweep.classes.insert(sweep.classes.end(), {"top", "bottom"});
        sweep.shares = {12.5, 25.0};
        if (!listed) sweep.sizes.reset();
        auto const plan = plan_trials(sweep, limits(), with_provider());
        auto const bound = sweep_bound(sweep, 32);
        if (listed) EXPECT_EQ(bound.num_cells, std::ssize(plan.cells));
        EXPECT_GE(bound.num_cells, std::ssize(plan.cells));
        EXPECT_GE(bound.max_trials(), std::ssize(plan.trials));
    }
}

}  // namespace
}  // namespace gatesweep
