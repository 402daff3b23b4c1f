// From an analysis to the trials of a sweep. Long: each part of the grid has its own cases.
#include "gatesweep/sweep/trial_plan.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>

#include "gatesweep/base/digest.h"
#include "gatesweep/comm/communicator.h"
#include "gatesweep/sweep/plan_serialization.h"
#include "gatesweep/sweep/plan_tables.h"
#include "sweep/plan_input.h"

namespace gatesweep {
namespace {

using namespace test;

std::string everything(TrialPlan const& plan) {
    std::string text = to_csv(trial_cells_table(plan));
    for (Trial const& trial : plan.trials) {
        text += fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", trial.id, trial.name, to_string(trial.kind),
                            trial.signal, trial.expert_class, trial.gap_threshold.value_or(-1), to_string(trial.mode),
                            to_string(trial.scope), trial.dose.value_or(0), trial.seed.value_or(0), trial.matched_to);
        for (auto const& edit : trial.edits)
            text += fmt::format(" {}={}", to_string(edit.id), edit.value);
        text += fmt::format("|{}\n", trial.num_cells);
    }
    for (auto const& notice : plan.notices)
        text += notice + '\n';
    return text;
}

// The selection, written the slow way: repeatedly the largest gap that is not taken yet.
std::vector<ExpertId> slow_selection(std::vector<ClassifiedExpert> experts, std::string const& label, Thresholds limits,
                                     std::int64_t size) {
    std::vector<ExpertId> out;
    while (std::ssize(out) < size) {
        ClassifiedExpert const* best = nullptr;
        for (auto const& expert : experts) {
            if (std::find(out.begin(), out.end(), expert.id) != out.end()) continue;
            if (to_string(classify(expert.benign, expert.malicious, limits)) != label) continue;
            if (!best || expert.abs_gap > best->abs_gap) best = &expert;
        }
        if (!best) break;
        out.push_back(best->id);
    }
    std::sort(out.begin(), out.end());
    return out;
}

TEST(TrialPlan, ByHand) {
    // Benign-dominant by gap: 3 (.4), 0 and 2 (.3), 5 (.1); malicious-dominant: 4; shared: 1.
    auto const result = one_layer_result({0.3, 0.0, 0.3, 0.4, -0.2, 0.1});
    SweepSpec sweep = activation_sweep({1, 2, 3, 4});
    sweep.gap_thresholds["activation"] = {0.05, 0.25};
    auto const plan = plan_trials(sweep, {}, result);
    ASSERT_EQ(plan.trials.size(), 5u);
    EXPECT_EQ(plan.trials[0].id, "baseline");
    EXPECT_EQ(plan.trials[0].kind, TrialKind::baseline);
    EXPECT_TRUE(plan.trials[0].edits.empty());
    EXPECT_EQ(plan.trials[0].lowest_layer(1), 1);
    EXPECT_EQ(set_of(plan.trials[1]), "0:3");
    EXPECT_EQ(set_of(plan.trials[2]), "0:0 0:3");  // of equal gaps the lower id
    EXPECT_EQ(set_of(plan.trials[3]), "0:0 0:2 0:3");
    EXPECT_EQ(set_of(plan.trials[4]), "0:0 0:2 0:3 0:5");
    EXPECT_EQ(plan.trials[3].name, "activation benign-dominant top 3 (gap >= 0.05)");
    EXPECT_EQ(plan.trials[3].gap_threshold, 0.05);
    EXPECT_EQ(plan.trials[3].lowest_layer(1), 0);
    // At 0.25 the class has three experts: its sizes 3 and 4 are the set that 0.05 had at size 3.
    EXPECT_EQ(plan.trials[3].num_cells, 3);
    ASSERT_EQ(plan.cells.size(), 8u);
    EXPECT_EQ(plan.cells[2].outcome, "trial");
    EXPECT_EQ(plan.cells[3].outcome, "trial");
    EXPECT_EQ(plan.cells[6].outcome, "same as " + plan.trials[3].id);
    EXPECT_EQ(plan.cells[7].outcome, "same as " + plan.trials[3].id);
    EXPECT_EQ(plan.num_merged_cells(), 4);
}

TEST(TrialPlan, TheIdIsADigestOfWhatTheTrialDoes) {
    auto const plan = plan_trials(activation_sweep({2}), {}, one_layer_result({0.3, 0.0, 0.3, 0.0, 0.0}));
    ASSERT_EQ(plan.trials.size(), 2u);
    EXPECT_EQ(plan.trials[1].id, "t" + sha256_hex("mask|both|0:0=1;0:2=1").substr(0, 12));
    EXPECT_EQ(plan.digest(), sha256_hex("baseline\n" + plan.trials[1].id + "\n"));
}

TEST(TrialPlan, ManyGapsOfManySeeds) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        auto const result = gap_result({.seed = seed});
        auto const sweep = wide_sweep();
        auto const analysis = limits();
        auto const plan = plan_trials(sweep, analysis, result);
        EXPECT_EQ(everything(plan), everything(plan_trials(sweep, analysis, result)));

        std::set<std::string> ids;
        std::set<std::string> contents;
        std::int64_t num_cells = 0;
        auto last_kind = TrialKind::baseline;
        std::map<TrialKind, int> const order = {{TrialKind::baseline, 0}, {TrialKind::selected, 1},
                                                {TrialKind::reverse, 2},  {TrialKind::bottom, 3},
                                                {TrialKind::custom, 4},   {TrialKind::random, 5}};
        for (Trial const& trial : plan.trials) {
            EXPECT_TRUE(ids.insert(trial.id).second) << trial.name;
            std::string content = fmt::format("{} {}", to_string(trial.mode), to_string(trial.scope));
            for (auto const& edit : trial.edits)
                content += fmt::format(" {}={}", to_string(edit.id), edit.value);
            EXPECT_TRUE(contents.insert(content).second) << content;
            EXPECT_TRUE(std::is_sorted(trial.edits.begin(), trial.edits.end()));
            EXPECT_LE(order.at(last_kind), order.at(trial.kind));
            last_kind = trial.kind;
            num_cells += trial.num_cells;
        }
        std::int64_t num_without = 0, num_owners = 0;
        for (GridCell const& cell : plan.cells) {
            num_without += cell.trial_id.empty() ? 1 : 0;
            num_owners += cell.outcome == "trial" ? 1 : 0;
        }
        EXPECT_EQ(num_cells + num_without, std::ssize(plan.cells));
        EXPECT_EQ(num_owners + plan.num_merged_cells() + num_without, std::ssize(plan.cells));
        EXPECT_GT(plan.num_merged_cells(), 0);
    }
}

TEST(TrialPlan, EveryCellHasTheSetOfASlowSelection) {
    auto const result = gap_result({.seed = 7});
    auto const sweep = wide_sweep();
    auto const analysis = limits();
    auto const plan = plan_trials(sweep, analysis, result);
    std::size_t at = 0;
    for (std::string const& signal : sweep.signals) {
        auto const& experts = signal == "activation" ? result.of(SignalKind::activation).classes
                              : signal == "gradient" ? result.of(SignalKind::gradient).classes
                                                     : result.of(SignalKind::gradient_share).classes;
        double const min = signal == "gradient" ? 0.06 : 0.08;
        auto const gaps = signal == "gradient" ? std::vector{0.04} : sweep.gap_thresholds.at(signal);
        for (auto const& label : sweep.classes) {
            for (double const gap : gaps) {
                for (auto const size : *sweep.sizes) {
                    auto const expected = slow_selection(experts, label, {gap, min}, size);
                    for (int manner = 0; manner < 8; ++manner) {  // mask, two doses, steer, in two scopes
                        GridCell const& cell = plan.cells.at(at++);
                        EXPECT_EQ(cell.kind, TrialKind::selected);
                        EXPECT_EQ(cell.signal, signal);
                        EXPECT_EQ(cell.expert_class, label);
                        EXPECT_EQ(cell.gap_threshold, gap);
                        EXPECT_EQ(cell.size, size);
                        EXPECT_EQ(cell.scope, manner % 2 == 0 ? EditScope::both : EditScope::decode);
                        EXPECT_EQ(cell.dose, manner / 2 == 1   ? std::optional(-2.0)
                                             : manner / 2 == 2 ? std::optional(0.5)
                                                               : std::nullopt);
                        if (expected.empty()) {
                            EXPECT_EQ(cell.outcome, "no expert in the class");
                        } else if (cell.trial_id.empty()) {
                            EXPECT_TRUE(cell.outcome.starts_with("refused: layer ")) << cell.outcome;
                            EXPECT_NE(cell.mode, EditMode::bias);
                        } else {
                            Trial const& trial = trial_of(plan, cell.trial_id);
                            EXPECT_EQ(trial.experts(), expected);
                            EXPECT_EQ(trial.mode, cell.mode);
                            EXPECT_EQ(trial.scope, cell.scope);
                            double const value = cell.mode == EditMode::steer ? -1.0 : cell.dose.value_or(1.0);
                            for (auto const& edit : trial.edits)
                                EXPECT_EQ(edit.value, value);
                        }
                    }
                }
            }
        }
    }
    EXPECT_EQ(plan.cells.at(at).kind, TrialKind::reverse);
}

TEST(TrialPlan, IdsDoNotDependOnTheOrderOfTheGrid) {
    auto const result = gap_result({.seed = 3});
    SweepSpec sweep = wide_sweep();
    sweep.controls.random = 0;
    auto const ids = [&] {
        std::set<std::string> out;
        for (Trial const& trial : plan_trials(sweep, limits(), result).trials)
            out.insert(trial.id + ' ' + set_of(trial));
        return out;
    };
    auto const before = ids();
    for (auto* list : {&sweep.signals, &sweep.classes})
        std::reverse(list->begin(), list->end());
    std::reverse(sweep.sizes->begin(), sweep.sizes->end());
    std::reverse(sweep.modes.begin(), sweep.modes.end());
    std::reverse(sweep.scopes.begin(), sweep.scopes.end());
    std::reverse(sweep.bias.begin(), sweep.bias.end());
    EXPECT_EQ(ids(), before);
}

TEST(TrialPlan, LayersThatAMaskWouldStarveAreRefused) {
    auto const result = one_layer_result({0.4, 0.3, 0.2, 0.1}, 2);
    SweepSpec sweep = activation_sweep({2, 3, 4});
    auto plan = plan_trials(sweep, {}, result);
    ASSERT_EQ(plan.cells.size(), 3u);
    EXPECT_EQ(plan.cells[0].outcome, "trial");
    EXPECT_EQ(plan.cells[1].outcome, "refused: layer 0 would be left with 1 expert of the 2 that every token needs");
    EXPECT_EQ(plan.cells[1].trial_id, "");
    EXPECT_EQ(plan.cells[2].outcome, "refused: layer 0 would be left without experts");
    sweep.allow_fewer = true;
    plan = plan_trials(sweep, {}, result);
    EXPECT_EQ(plan.cells[1].outcome, "trial");
    EXPECT_EQ(plan.cells[2].outcome, "refused: layer 0 would be left without experts");
    sweep.modes = {EditMode::zero, EditMode::zero_renormalise, EditMode::bias};
    sweep.allow_fewer = false;
    EXPECT_EQ(plan_trials(sweep, {}, result).trials.size(), 10u);
}

TEST(TrialPlan, ReverseTakesTheOppositeClassAndBottomTheSmallestGaps) {
    auto const result = one_layer_result({0.4, 0.3, -0.2, -0.3, 0.01, 0.0, -0.02, 0.0});
    SweepSpec sweep = activation_sweep({1, 2});
    sweep.controls.reverse = sweep.controls.bottom = true;
    auto plan = plan_trials(sweep, {}, result);
    auto const reverse = of_kind(plan, TrialKind::reverse), bottom = of_kind(plan, TrialKind::bottom);
    ASSERT_EQ(reverse.size(), 2u);
    EXPECT_EQ(set_of(reverse[0]), "0:3");
    EXPECT_EQ(set_of(reverse[1]), "0:2 0:3");
    EXPECT_EQ(reverse[0].expert_class, "malicious-dominant");
    EXPECT_EQ(reverse[0].name, "opposite class, activation malicious-dominant top 1 (gap >= 0.05)");
    ASSERT_EQ(bottom.size(), 2u);
    EXPECT_EQ(set_of(bottom[0]), "0:5");
    EXPECT_EQ(set_of(bottom[1]), "0:5 0:7");
    EXPECT_EQ(bottom[1].name, "activation 2 smallest gaps");
    EXPECT_EQ(bottom[1].gap_threshold, std::nullopt);
    // Opposite classes that the grid has itself stay selected.
    sweep.classes = {"benign-dominant", "malicious-dominant", "shared"};
    plan = plan_trials(sweep, {}, result);
    EXPECT_TRUE(of_kind(plan, TrialKind::reverse).empty());
    EXPECT_EQ(plan.cells.size(), 6u + 4u + 2u);  // shared has no opposite
    EXPECT_EQ(of_kind(plan, TrialKind::selected)[0].num_cells, 2);
}

TEST(TrialPlan, AutomaticSizesFitTheClass) {
    using Sizes = std::vector<std::int64_t>;
    EXPECT_EQ(automatic_sizes(0), (Sizes{1}));
    EXPECT_EQ(automatic_sizes(1), (Sizes{1}));
    EXPECT_EQ(automatic_sizes(4), (Sizes{1, 2, 3, 4}));
    EXPECT_EQ(automatic_sizes(5), (Sizes{1, 2, 3, 5}));
    EXPECT_EQ(automatic_sizes(13), (Sizes{1, 2, 3, 5, 10, 13}));
    EXPECT_EQ(automatic_sizes(300), (Sizes{1, 2, 3, 5, 10, 20, 50, 100, 200, 300}));
    auto const result = gap_result({.num_layers = 6, .seed = 9});
    SweepSpec sweep = activation_sweep({});
    sweep.sizes.reset();
    sweep.classes = {"benign-dominant", "malicious-dominant"};
    sweep.modes = {EditMode::zero};
    sweep.controls.bottom = true;
    auto const plan = plan_trials(sweep, {}, result);
    for (GridCell const& cell : plan.cells) {
        EXPECT_EQ(cell.outcome, "trial") << "no size asks for more than there is, none for the same twice";
        EXPECT_EQ(std::ssize(trial_of(plan, cell.trial_id).edits), cell.size);
    }
    for (auto const& name : sweep.classes) {
        auto const largest = std::count_if(result.of(SignalKind::activation).classes.begin(),
                                           result.of(SignalKind::activation).classes.end(), [&](auto const& e) {
                                               return to_string(classify(e.benign, e.malicious, {0.05, 0.08})) == name;
                                           });
        EXPECT_EQ(
            std::count_if(plan.cells.begin(), plan.cells.end(),
                          [&](GridCell const& cell) { return cell.expert_class == name && cell.size == largest; }),
            1)
            << "the whole class is a set";
    }
}

TEST(TrialPlan, WithoutAGridTheUsersOwnSetsAreAll) {
    auto const result = gap_result({.num_layers = 6});
    CustomTrial mine;
    mine.name = "mine";
    mine.experts = {{1, 2}, {3, 4}};
    for (bool const by_signals : {true, false}) {
        SweepSpec sweep = activation_sweep({1, 2});
        if (by_signals) sweep.signals.clear();
        if (!by_signals) sweep.sizes->clear();
        sweep.controls = {.random = 3, .reverse = true, .bottom = true};
        sweep.trials = {mine};
        auto const plan = plan_trials(sweep, {}, result);
        EXPECT_EQ(plan.cells.size(), 1u);
        EXPECT_EQ(of_kind(plan, TrialKind::custom).size(), 1u);
        EXPECT_EQ(of_kind(plan, TrialKind::random).size(), 3u);
        EXPECT_EQ(plan.trials.size(), 5u);
    }
}

TEST(TrialPlan, TheExpertsOfEveryTrialAreATable) {
    SweepSpec sweep = activation_sweep({2});
    sweep.modes = {EditMode::bias};
    sweep.bias = {-2.5};
    auto const plan = plan_trials(sweep, {}, one_layer_result({0.4, 0.0, 0.3, 0.0}));
    EXPECT_EQ(to_csv(trial_experts_table(plan)),
              "trial_id,layer,expert,value\n" + plan.trials[1].id + ",0,0,-2.5\n" + plan.trials[1].id + ",0,2,-2.5\n");
}

TEST(TrialPlan, ALargeGridIsPlannedInNoTime) {
    auto const result = gap_result({.num_layers = 32});
    SweepSpec sweep = wide_sweep();
    sweep.classes = {"benign-dominant", "malicious-dominant"};
    sweep.modes = {EditMode::mask};
    sweep.scopes = {EditScope::both};
    std::vector<double> const gaps = {0.01, 0.02, 0.03, 0.05, 0.08};
    sweep.gap_thresholds = {{"activation", gaps}, {"gradient", gaps}, {"gradient-share", gaps}};
    sweep.sizes.emplace();
    for (std::int64_t size = 1; size <= 14; ++size)
        sweep.sizes->push_back(size);
    sweep.controls = {.random = 0};
    auto const start = std::chrono::steady_clock::now();
    auto const plan = plan_trials(sweep, limits(), result);
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(plan.cells.size(), 420u);
    RecordProperty("milliseconds", std::to_string(1e3 * seconds.count()));
    EXPECT_LT(seconds.count(), 0.5);  // milliseconds, on a machine that does something else as well
}

TEST(TrialPlan, TheCellsAreATable) {
    auto const result = one_layer_result({0.4, 0.0, 0.0, 0.0});
    SweepSpec sweep = activation_sweep({1});
    sweep.classes = {"benign-dominant", "weak-benign"};
    sweep.modes = {EditMode::bias};
    sweep.bias = {-2.5};
    sweep.controls.bottom = true;
    CustomTrial custom;
    custom.name = "mine, \"quoted\"";
    custom.experts = {{0, 3}};
    sweep.trials = {custom};
    auto const plan = plan_trials(sweep, {}, result);
    auto const id = [&](std::size_t t) { return plan.trials.at(t).id; };
    EXPECT_EQ(to_csv(trial_cells_table(plan)),
              "kind,signal,class,gap_threshold,size,mode,scope,dose,trial_id,outcome,name\n"
              "selected,activation,benign-dominant,0.05,1,bias,both,-2.5," +
                  id(1) +
                  ",trial,\n"
                  "selected,activation,weak-benign,0.05,1,bias,both,-2.5,,no expert in the class,\n"
                  "bottom,activation,,,1,bias,both,-2.5," +
                  id(2) +
                  ",trial,\n"
                  "custom,,,,1,mask,both,," +
                  id(3) + ",trial,\"mine, \"\"quoted\"\"\"\n");
}

TEST(TrialPlan, TravelsByValue) {
    SweepSpec sweep = wide_sweep();
    sweep.controls.random = 30;  // notices
    auto plan = plan_trials(sweep, limits(), gap_result({.num_layers = 2, .num_experts = 4}));
    ASSERT_FALSE(plan.notices.empty());
    std::stringstream bytes;
    boost::archive::binary_oarchive(bytes) << std::as_const(plan);
    TrialPlan received;
    received.trials.resize(3);
    boost::archive::binary_iarchive(bytes) >> received;
    EXPECT_EQ(everything(received), everything(plan));
    EXPECT_EQ(received.num_layers, 2);
    EXPECT_EQ(received.num_experts, 4);
    EXPECT_EQ(received.trials[0].seed, std::nullopt);
}

}  // namespace
}  // namespace gatesweep
