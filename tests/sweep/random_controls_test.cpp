// The random controls of a plan.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "gatesweep/sweep/plan_tables.h"
#include "gatesweep/sweep/random_sets.h"
#include "sweep/plan_input.h"

namespace gatesweep {
namespace {

using namespace test;

std::vector<std::int64_t> layers_of(Trial const& trial) {
    std::vector<std::int64_t> layers;
    for (ExpertId const id : trial.experts())
        layers.push_back(id.layer);
    return layers;
}

TEST(RandomControls, MatchTheirTrial) {
    auto const result = gap_result({.num_layers = 8, .seed = 5});
    for (ControlMatch const match : {ControlMatch::size, ControlMatch::layers, ControlMatch::traffic}) {
        SweepSpec sweep = wide_sweep();
        sweep.controls.match = match;
        auto const plan = plan_trials(sweep, limits(), result);
        auto const traffic = traffic_map(result);
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
        for (Trial const& model : of_kind(plan, TrialKind::selected)) {
            // Sets of one expert of a layer are few: they are shared, and some are selected ones themselves.
            EXPECT_LE(model.controls.size(), 5u);
            EXPECT_GE(std::ssize(model.controls), num_controls[model.id]) << "shared ones beside its own";
            EXPECT_EQ(std::set(model.controls.begin(), model.controls.end()).size(), model.controls.size());
            if (model.edits.size() > 1) {
                EXPECT_EQ(model.controls.size(), 5u) << model.name;
            }
            for (auto const& id : model.controls) {
                Trial const& control = trial_of(plan, id);
                EXPECT_EQ(control.kind, TrialKind::random);
                if (match != ControlMatch::size) {
                    EXPECT_EQ(layers_of(control), layers_of(model)) << "by its own layers";
                }
            }
        }
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
        EXPECT_NE(plan.notices[0].find("1 of the sets have fewer than 20 random controls"), std::string::npos);
        EXPECT_NE(plan.notices[0].find(plan.trials[1].id + " (5)"), std::string::npos);
        EXPECT_EQ(plan.trials[2].name, "random 1 of 20 like " + plan.trials[1].id);
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

TEST(RandomControls, EverySetHasItsOwn) {
    // Two sets of one size in different layers, a custom one of the same size, and one that is like a selected one.
    auto const result = gap_result({.num_layers = 6, .seed = 3});
    SweepSpec sweep = activation_sweep({2});
    sweep.classes = {"benign-dominant", "malicious-dominant"};
    sweep.controls.random = 6;
    CustomTrial mine;
    mine.name = "mine";
    mine.experts = {{5, 6}, {5, 7}};
    sweep.trials = {mine};
    auto const plan = plan_trials(sweep, {}, result);
    auto const selected = of_kind(plan, TrialKind::selected), custom = of_kind(plan, TrialKind::custom);
    ASSERT_EQ(selected.size(), 2u);
    ASSERT_EQ(custom.size(), 1u);
    ASSERT_NE(layers_of(selected[0]), layers_of(selected[1]));
    for (Trial const& trial : {selected[0], selected[1], custom[0]}) {
        EXPECT_EQ(trial.controls.size(), 6u);
        for (auto const& id : trial.controls)
            EXPECT_EQ(layers_of(trial_of(plan, id)), layers_of(trial));
    }
}

TEST(RandomControls, AreSharedWhereTheyAreEqual) {
    // One layer: what is drawn for the second set was drawn for the first already, or is the first.
    auto const result = one_layer_result({0.4, 0.3, 0.0, 0.0});
    SweepSpec sweep = activation_sweep({1});
    sweep.controls.random = 20;
    CustomTrial second;
    second.name = "second";
    second.experts = {{0, 1}};
    sweep.trials = {second};
    auto const plan = plan_trials(sweep, {}, result);
    auto const random = of_kind(plan, TrialKind::random);
    ASSERT_EQ(random.size(), 2u) << "each once";
    std::string const first = plan.trials[1].id;
    for (std::size_t t : {1u, 2u}) {
        auto controls = plan.trials[t].controls;
        std::sort(controls.begin(), controls.end());
        std::vector<std::string> both = {random[0].id, random[1].id};
        std::sort(both.begin(), both.end());
        EXPECT_EQ(controls, both);
    }
    for (Trial const& trial : random)
        EXPECT_EQ(trial.matched_to, first) << "names one set, the first";
    CsvTable const table = trial_controls_table(plan);
    EXPECT_EQ(table.header, (std::vector<std::string>{"trial_id", "control_id"}));
    EXPECT_EQ(table.rows.size(), 4u);
}

TEST(RandomControls, AreNoneOnlyWhereTheJobSaysSo) {
    SweepSpec sweep = activation_sweep({2});
    sweep.controls = {};
    auto const result = gap_result({.num_layers = 6});
    EXPECT_EQ(plan_trials(sweep, {}, result).trials[1].controls.size(), 20u);
    sweep.controls.random = 0;
    EXPECT_TRUE(of_kind(plan_trials(sweep, {}, result), TrialKind::random).empty());
}

}  // namespace
}  // namespace gatesweep
