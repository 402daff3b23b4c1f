// Sets by scores with a sign, as SteerMoE chooses them, on a table of our own.
#include "sweep/steered_sets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "support/expect_error.h"
#include "sweep/plan_input.h"

namespace gatesweep {
namespace {

using Edits = std::vector<ExpertEdit>;

// Three layers of four experts, top-2.
RouterShape const shape{3, 4, 2, {}};
std::vector<double> const scores = {0.9,  0.8,  0.7,  -0.6,  //
                                    0.5,  -0.5, 0.0,  0.1,   //
                                    -0.9, 0.2,  -0.1, 0.3};

SteeredExperts chosen(std::int64_t activate, std::int64_t deactivate, bool reverse = false,
                      SteeredFrom from = SteeredFrom::top) {
    return steered_experts({3, 4, scores}, {"table", activate, deactivate, reverse}, shape, from);
}

TEST(SteeredSets, TakeTheLargestOfEachSign) {
    EXPECT_EQ(chosen(2, 1).edits, (Edits{{{0, 0}, 1}, {{0, 1}, 1}, {{2, 0}, -1}}));
    EXPECT_EQ(chosen(0, 3).edits, (Edits{{{0, 3}, -1}, {{1, 1}, -1}, {{2, 0}, -1}}));
    EXPECT_EQ(chosen(1, 2, true).edits, (Edits{{{0, 0}, -1}, {{0, 1}, -1}, {{2, 0}, 1}}));
    EXPECT_EQ(chosen(1, 1, false, SteeredFrom::bottom).edits, (Edits{{{1, 3}, 1}, {{2, 2}, -1}}));
}

// The third one of layer 0 counts among those asked for and is passed over; nothing takes its place.
TEST(SteeredSets, PassOverWhatALayerHasNoRoomFor) {
    SteeredExperts const experts = chosen(4, 0);
    EXPECT_EQ(experts.edits, (Edits{{{0, 0}, 1}, {{0, 1}, 1}, {{1, 0}, 1}}));
    EXPECT_EQ(experts.passed_over, (std::vector<ExpertId>{{0, 2}}));
    EXPECT_NE(passed_over_text("x", experts, 2).find("x: 1 expert passed over"), std::string::npos);
}

TEST(SteeredSets, SayWhenAScoreIsMissing) {
    EXPECT_EQ(chosen(7, 4).shortage, "");
    EXPECT_EQ(chosen(8, 4).shortage, "table has 7 scores above 0, and 8 are to be activated");
    EXPECT_EQ(chosen(0, 5).shortage, "table has 4 scores below 0, and 5 are to be deactivated");
    EXPECT_EQ(chosen(5, 0, true).shortage, "table has 4 scores below 0, and 5 are to be activated");
}

// Their rule, word for word: sort by |rd|, the first n of each sign, W = +1 where the layer has fewer than K of them.
Edits published_rule(std::vector<double> rd, std::int64_t experts, std::int64_t top_k, std::int64_t n_pos,
                     std::int64_t n_neg, bool reverse) {
    std::vector<std::size_t> order(rd.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return std::abs(rd[a]) > std::abs(rd[b]); });
    if (reverse) {
        for (double& value : rd)
            value = -value;
    }
    std::vector<std::size_t> rows;
    for (bool const positive : {true, false}) {
        std::int64_t left = positive ? n_pos : n_neg;
        for (std::size_t const i : order) {
            if ((positive ? rd[i] > 0 : rd[i] < 0) && left-- > 0) rows.push_back(i);
        }
    }
    std::vector<double> w(rd.size(), 0.0);
    for (std::size_t const i : rows) {
        auto const begin = w.begin() + static_cast<std::ptrdiff_t>(i) / experts * experts;
        if (rd[i] < 0)
            w[i] = -1;
        else if (std::count(begin, begin + experts, 1.0) < top_k)
            w[i] = 1;
    }
    Edits out;
    for (std::size_t i = 0; i < w.size(); ++i) {
        auto const id = static_cast<std::int64_t>(i);
        if (w[i] != 0) out.push_back({{id / experts, id % experts}, w[i]});
    }
    return out;
}

TEST(SteeredSets, AreThePublishedRule) {
    std::mt19937 random(3);
    for (int round = 0; round < 50; ++round) {
        std::vector<double> rd(6 * 16);
        for (double& value : rd)
            value = static_cast<double>(static_cast<int>(random() % 41) - 20) / 20.0;  // many are equal
        RouterShape const wide{6, 16, 2, {}};
        for (bool const reverse : {false, true}) {
            SteeredExperts const experts = steered_experts({6, 16, rd}, {"t", 20, 15, reverse}, wide);
            EXPECT_EQ(experts.edits, published_rule(rd, 16, 2, 20, 15, reverse));
        }
    }
}

// A plan with a provider: cells of the axes, a trial of the user's own, controls of the same shape.
class SteeredPlan : public testing::Test {
protected:
    SteeredPlan() {
        result_ = test::gap_result({.num_layers = 4, .num_experts = 8, .top_k = 2});
        ProviderScores scores;
        scores.name = "table";
        scores.scores = {4, 8, {}};
        for (int i = 0; i < 32; ++i)
            scores.scores.values.push_back((i % 2 == 0 ? 1.0 : -1.0) * (i + 1));
        result_.providers.push_back(completed(scores));
        sweep_.enabled = true;
        sweep_.signals = {"table"};
        sweep_.classes = {};
        sweep_.controls.random = 2;
    }
    TrialPlan plan() const { return plan_trials(sweep_, AnalysisParameters(), result_); }
    static std::int64_t count(TrialPlan const& plan, TrialKind kind) {
        return std::ranges::count(plan.trials, kind, &Trial::kind);
    }

    AnalysisResult result_;
    SweepSpec sweep_;
};

TEST_F(SteeredPlan, HasACellForEveryCombination) {
    sweep_.activate = {0, 2};
    sweep_.deactivate = {0, 3, 20};
    sweep_.controls.bottom = sweep_.controls.reverse = true;
    TrialPlan const p = plan();
    EXPECT_EQ(p.cells.size(), 15u);               // 5 that edit something, of each kind
    EXPECT_EQ(count(p, TrialKind::selected), 3);  // 20 of a sign do not exist
    EXPECT_EQ(count(p, TrialKind::reverse), 3);
    EXPECT_EQ(count(p, TrialKind::bottom), 3);
    EXPECT_EQ(p.trials[1].name, "table -3, steer");
    EXPECT_EQ(p.cells[1].outcome, "refused: table has 16 scores below 0, and 20 are to be deactivated");
    for (Trial const& trial : p.trials) {
        if (trial.kind == TrialKind::baseline) continue;
        EXPECT_EQ(trial.mode, EditMode::steer);
        if (trial.kind != TrialKind::random) continue;
        auto const model = std::ranges::find(p.trials, trial.matched_to, &Trial::id);
        ASSERT_NE(model, p.trials.end());
        std::vector<std::pair<std::int64_t, double>> own, other;  // as many of a sign in every layer
        for (std::size_t i = 0; i < trial.edits.size(); ++i) {
            own.emplace_back(trial.edits[i].id.layer, trial.edits[i].value);
            other.emplace_back(model->edits[i].id.layer, model->edits[i].value);
        }
        std::ranges::sort(own);
        std::ranges::sort(other);
        EXPECT_EQ(own, other);
    }
}

TEST_F(SteeredPlan, TakesATrialFromScores) {
    sweep_.signals = {};
    CustomTrial custom;
    custom.name = "mine";
    custom.mode = EditMode::steer;
    custom.from = SteeredSet{"table", 3, 1, false};
    sweep_.trials = {custom};
    sweep_.controls.bottom = true;
    TrialPlan const p = plan();
    EXPECT_EQ(p.trials[1].name, "mine");
    EXPECT_EQ(p.trials[1].kind, TrialKind::custom);
    EXPECT_EQ(p.trials[1].edits, (Edits{{{3, 4}, 1}, {{3, 6}, 1}, {{3, 7}, -1}}));
    EXPECT_EQ(p.trials[2].name, "smallest of table +3 -1");
    ASSERT_EQ(p.notices.size(), 1u);  // 26, the third highest, is in layer 3 as well
    EXPECT_NE(p.notices[0].find("3:2"), std::string::npos) << p.notices[0];
    EXPECT_EQ(p.trials[1].controls.size(), 2u);
    sweep_.trials[0].from->activate = 17;
    EXPECT_ERROR(plan(), ExitCode::job, "mine", "16 scores above 0");
    // Before the model is loaded there are no scores to choose by.
    validate_custom_trials(sweep_, 4, 8, 2);
}

}  // namespace
}  // namespace gatesweep
