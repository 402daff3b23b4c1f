// [[sweep.trial]] in the plan.
#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_folder.h"
#include "sweep/plan_input.h"

namespace gatesweep {
namespace {

using namespace test;

CustomTrial custom(std::string name, std::vector<std::vector<std::int64_t>> experts, EditMode mode = EditMode::mask) {
    CustomTrial trial;
    trial.name = std::move(name);
    trial.experts = std::move(experts);
    trial.mode = mode;
    return trial;
}

SweepSpec sweep_of(CustomTrial trial) {
    SweepSpec sweep = activation_sweep({1});
    sweep.trials = {std::move(trial)};
    return sweep;
}

void validate(SweepSpec const& sweep) {
    validate_custom_trials(sweep, 2, 4, 2);
}

TEST(CustomTrials, LieBesideTheGrid) {
    auto const result = one_layer_result({0.4, 0.3, 0.0, 0.0});
    SweepSpec sweep = activation_sweep({1});
    sweep.trials = {custom("mine", {{0, 3}, {0, 2}})};
    auto const plan = plan_trials(sweep, {}, result);
    ASSERT_EQ(plan.trials.size(), 3u);
    EXPECT_EQ(plan.trials[2].name, "mine");
    EXPECT_EQ(plan.trials[2].kind, TrialKind::custom);
    EXPECT_EQ(set_of(plan.trials[2]), "0:2 0:3");
    EXPECT_EQ(plan.trials[2].num_cells, 1);
    EXPECT_EQ(plan.trials[2].signal, "");
    EXPECT_EQ(plan.cells.back().name, "mine");
    EXPECT_EQ(plan.cells.back().outcome, "trial");
    EXPECT_EQ(plan.cells.back().trial_id, plan.trials[2].id);
}

TEST(CustomTrials, KeepTheirNameWhenTheGridHasTheirSet) {
    auto const result = one_layer_result({0.4, 0.3, 0.0, 0.0});
    SweepSpec sweep = activation_sweep({2});
    sweep.trials = {custom("same set", {{0, 1}, {0, 0}}), custom("elsewhere", {{0, 3}}), custom("again", {{0, 3}})};
    auto const plan = plan_trials(sweep, {}, result);
    ASSERT_EQ(plan.trials.size(), 3u);
    EXPECT_EQ(plan.trials[1].kind, TrialKind::selected);
    EXPECT_EQ(plan.trials[1].num_cells, 2);
    ASSERT_EQ(plan.cells.size(), 4u);
    EXPECT_EQ(plan.cells[1].name, "same set");
    EXPECT_EQ(plan.cells[1].kind, TrialKind::custom);
    EXPECT_EQ(plan.cells[1].outcome, "same as " + plan.trials[1].id);
    EXPECT_EQ(plan.cells[3].outcome, "same as " + plan.trials[2].id);
    EXPECT_EQ(plan.num_merged_cells(), 2);
}

TEST(CustomTrials, DosesAndSignsComeFromTheTrialOrTheList) {
    TemporaryFolder const folder;
    auto const weighted = folder.write("w.csv", "layer,expert,weight\n0,3,-2\n0,1,0.5\n0,0,\n");
    auto const result = one_layer_result({0.0, 0.0, 0.0, 0.0, 0.0, 0.0});
    auto const edits = [&](CustomTrial const& trial) { return plan_trials(sweep_of(trial), {}, result).trials.at(1); };
    CustomTrial trial = custom("b", {{0, 2}, {0, 1}}, EditMode::bias);
    trial.bias = -3.0;
    EXPECT_EQ(edits(trial).edits, (std::vector<ExpertEdit>{{{0, 1}, -3.0}, {{0, 2}, -3.0}}));
    EXPECT_EQ(edits(trial).dose, -3.0);
    trial = custom("list", {}, EditMode::bias);
    trial.file = weighted;
    trial.bias = -3.0;
    EXPECT_EQ(edits(trial).edits, (std::vector<ExpertEdit>{{{0, 0}, -3.0}, {{0, 1}, 0.5}, {{0, 3}, -2.0}}));
    EXPECT_EQ(edits(trial).dose, std::nullopt);
    trial.mode = EditMode::steer;
    trial.bias = 0.0;
    EXPECT_EQ(edits(trial).edits, (std::vector<ExpertEdit>{{{0, 0}, -1.0}, {{0, 1}, 1.0}, {{0, 3}, -1.0}}));
    trial.activate = true;  // decides where the list does not
    EXPECT_EQ(edits(trial).edits, (std::vector<ExpertEdit>{{{0, 0}, 1.0}, {{0, 1}, 1.0}, {{0, 3}, -1.0}}));
    trial.mode = EditMode::zero;
    EXPECT_EQ(edits(trial).edits, (std::vector<ExpertEdit>{{{0, 0}, 1.0}, {{0, 1}, 1.0}, {{0, 3}, 1.0}}));
}

TEST(CustomTrials, WhatTheRoutersCannotTakeIsRefusedBeforeTheModelIsLoaded) {
    for (EditMode const mode : {EditMode::mask, EditMode::steer}) {
        EXPECT_NO_THROW(validate(sweep_of(custom("x", {{1, 0}, {1, 1}}, mode))));
        SweepSpec sweep = sweep_of(custom("x", {{0, 0}, {1, 0}, {1, 1}, {1, 2}}, mode));
        EXPECT_ERROR(validate(sweep), ExitCode::job, "\"x\"",
                     "layer 1 would be left with 1 expert of the 2 that every token needs");
        sweep.allow_fewer = true;
        EXPECT_NO_THROW(validate(sweep));
        sweep = sweep_of(custom("x", {{1, 0}, {1, 1}, {1, 2}, {1, 3}}, mode));
        sweep.allow_fewer = true;
        EXPECT_ERROR(validate(sweep), ExitCode::job, "\"x\"", "layer 1 would be left without experts");
    }
    for (EditMode const mode : {EditMode::zero, EditMode::zero_renormalise, EditMode::bias}) {
        CustomTrial trial = custom("x", {{1, 0}, {1, 1}, {1, 2}, {1, 3}}, mode);
        trial.bias = 1.0;
        EXPECT_NO_THROW(validate(sweep_of(trial)));
    }
    CustomTrial trial = custom("x", {{0, 0}, {0, 1}, {0, 2}}, EditMode::steer);
    trial.activate = true;
    EXPECT_ERROR(validate(sweep_of(trial)), ExitCode::job, "\"x\"", "layer 0 would have 3 experts activated");
    trial.experts.pop_back();
    EXPECT_NO_THROW(validate(sweep_of(trial)));
}

TEST(CustomTrials, NameExpertsOfTheModelOnce) {
    EXPECT_ERROR(validate(sweep_of(custom("x", {{2, 0}}))), ExitCode::job, "\"x\"", "no expert 0 in layer 2",
                 "2 layers of 4 experts");
    EXPECT_ERROR(validate(sweep_of(custom("x", {{0, 4}}))), ExitCode::job, "no expert 4 in layer 0");
    EXPECT_ERROR(validate(sweep_of(custom("x", {{0, -1}}))), ExitCode::job, "no expert -1 in layer 0");
    EXPECT_ERROR(validate(sweep_of(custom("x", {{1, 3}, {0, 0}, {1, 3}}))), ExitCode::job,
                 "expert 3 of layer 1 is there twice");
}

TEST(CustomTrials, ListsAreReadAndChecked) {
    TemporaryFolder const folder;
    CustomTrial trial = custom("x", {}, EditMode::bias);
    trial.file = folder.write("l.csv", "layer,expert\n0,1\n");
    EXPECT_ERROR(validate(sweep_of(trial)), ExitCode::job, "\"x\"", "l.csv", "no weight");
    trial.bias = 1.0;
    EXPECT_NO_THROW(validate(sweep_of(trial)));
    trial.file = folder.write("l.csv", "layer,expert\n0,9\n");
    EXPECT_ERROR(validate(sweep_of(trial)), ExitCode::job, "no expert 9 in layer 0");
    trial.file = folder.write("l.csv", "layer,expert\n0,1\n0,x\n");
    EXPECT_ERROR(validate(sweep_of(trial)), ExitCode::bad_data, "l.csv", "row 2");
}

}  // namespace
}  // namespace gatesweep
