// The random controls of a plan.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "gatesweep/sweep/random_sets.h"
#include "sweep/plan_input.h"

namespace gatesweep {
namespace {

using namespace test;

TEST(RandomControls, MatchTheirTrial) {
    auto const result = gap_result({.num_layers = 8, .seed = 5});
    for (ControlMatch const match : {ControlMatch::size, ControlMatch::layers, ControlMatch::traffic}) {
        SweepSpec sweep = wide_sweep();
        sweep.controls.match = match;
        auto const plan = plan_trials(sweep, limits(), result);
        auto const traffic = traffic_map(result);
        std::set<std::tuple<std::size_t, EditMode, EditScope, double>> shapes;
        for (Trial const& trial : of_kind(plan, TrialKind::selected))
            shapes.insert({trial.edits.size(), trial.mode, trial.scope, trial.dose.value_or(0.0)});
        std::map<std::string, int> num_controls;
        for (Trial const& trial : of_kind(plan, TrialKind::random)) {
            Trial const& model = trial_of(plan, trial.matched_to);
            EXPECT_EQ(model.kind, TrialKind::selected);
            EXPECT_EQ(trial.mode, model.mode);
            EXPECT_EQ(trial.scope, model.scope);
            EXPECT_EQ(trial.dose, model.dose);
            ASSERT_TRUE(trial.seed.has_value());
            EXPECT_LT(*trial.seed, std::uint64_t{1} << 53);
            EXPECT_EQ(random_set(model.experts(), match, traffic.view(), *trial.seed), trial.experts());
            EXPECT_EQ(trial.signal.empty(), match == ControlMatch::size);
            for (std::size_t i = 0; i < trial.edits.size(); ++i)
                EXPECT_EQ(trial.edits[i].value, model.edits[i].value);
            EXPECT_EQ(trial.num_cells, 0);
            ++num_controls[model.id];
        }
        EXPECT_EQ(num_controls.size(), shapes.size());
        for (auto const& [id, count] : num_controls)
            EXPECT_EQ(count, 5);
        EXPECT_TRUE(plan.notices.empty());
    }
}

TEST(RandomControls, AreAnotherDrawWithAnotherSeed) {
    auto const result = gap_result({.seed = 5});
    SweepSpec sweep = activation_sweep({3});
    sweep.controls.random = 4;
    auto const plan = plan_trials(sweep, {}, result);
    EXPECT_EQ(of_kind(plan, TrialKind::random)[1].name, "random 2 of 4 like " + plan.trials[1].id);
    sweep.seed = 2;
    EXPECT_NE(plan_trials(sweep, {}, result).digest(), plan.digest());
}

TEST(RandomControls, AreAsManyAsThereAre) {
    auto const result = one_layer_result({0.4, 0.0, 0.0, 0.0, 0.0, 0.0});
    SweepSpec sweep = activation_sweep({1});
    sweep.controls.random = 20;
    for (ControlMatch const match : {ControlMatch::size, ControlMatch::layers, ControlMatch::traffic}) {
        sweep.controls.match = match;
        auto const plan = plan_trials(sweep, {}, result);
        EXPECT_EQ(of_kind(plan, TrialKind::random).size(), 5u);
        ASSERT_EQ(plan.notices.size(), 1u);
        EXPECT_NE(plan.notices[0].find("5 of 20 random controls of trial " + plan.trials[1].id), std::string::npos);
        EXPECT_EQ(plan.trials[2].name, "random 1 of 5 like " + plan.trials[1].id);
    }
    // All experts of the only layer: no other set has that shape.
    sweep.modes = {EditMode::zero};
    sweep.sizes = {6};
    sweep.classes = {"shared"};
    EXPECT_TRUE(of_kind(plan_trials(sweep, {}, one_layer_result({0, 0, 0, 0, 0, 0})), TrialKind::random).empty());
}

TEST(RandomControls, ThatWouldStarveALayerAreDrawnAgain) {
    // Five anywhere among the seven others: 6 of the 21 sets leave layer 2 one expert, 15 can be had.
    SweepSpec sweep = activation_sweep({1});
    sweep.controls.random = 20;
    sweep.controls.match = ControlMatch::size;
    CustomTrial trial;
    trial.name = "two, two, one";
    trial.experts = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 0}};
    sweep.trials = {trial};
    auto const plan = plan_trials(sweep, {}, gap_result({.num_layers = 3, .num_experts = 4}));
    std::string const model = of_kind(plan, TrialKind::custom).at(0).id;
    int num_controls = 0;
    for (Trial const& control : of_kind(plan, TrialKind::random)) {
        if (control.matched_to != model) continue;
        ++num_controls;
        std::map<std::int64_t, int> count;
        for (ExpertId const id : control.experts())
            EXPECT_LE(++count[id.layer], 2);
    }
    EXPECT_EQ(num_controls, 15);
}

TEST(RandomControls, CustomTrialsHaveThemWhereNoSelectedOneHasTheirShape) {
    auto const result = one_layer_result({0.4, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0});
    SweepSpec sweep = activation_sweep({1, 2});
    sweep.controls.random = 2;
    CustomTrial pair, mixed;
    pair.name = "as many as a selected one";
    pair.experts = {{0, 4}, {0, 5}};
    mixed.name = "one of its own";
    mixed.experts = {{0, 5}, {0, 6}, {0, 7}};
    sweep.trials = {pair, mixed};
    auto const plan = plan_trials(sweep, {}, result);
    std::map<std::string, int> models;
    for (Trial const& trial : of_kind(plan, TrialKind::random))
        ++models[trial_of(plan, trial.matched_to).name];
    EXPECT_EQ(models, (std::map<std::string, int>{{"activation benign-dominant top 1 (gap >= 0.05)", 2},
                                                  {"activation benign-dominant top 2 (gap >= 0.05)", 2},
                                                  {"one of its own", 2}}));
}

}  // namespace
}  // namespace gatesweep
