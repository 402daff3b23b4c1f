#include "gatesweep/harden/gates.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gatesweep {
namespace {

ArmOutcome outcome(std::string arm, Share refusal, Share benign) {
    ArmOutcome out;
    out.arm = std::move(arm);
    out.refusals = {refusal, {1, 100}};
    out.benign = benign;
    out.perplexity_ratio = {1.01, {1.0, 1.02}};
    out.js = {0.01, {0.0, 0.02}};
    out.overlap = {1.9, {1.8, 2.0}};
    return out;
}

Gate const& gate_of(std::vector<Gate> const& gates, std::string const& arm, std::string const& name) {
    return *std::ranges::find_if(gates, [&](Gate const& g) { return g.arm == arm && g.gate == name; });
}

TEST(Gates, StandBesideTheBaseModelAndDecide) {
    std::vector<ArmOutcome> outcomes = {outcome("base", {2, 100}, {100, 100}),
                                        outcome("selected", {95, 100}, {99, 100})};
    auto gates = gates_of(outcomes, HardenLimits(), 2);
    EXPECT_TRUE(is_accepted(gates, "selected"));
    EXPECT_FALSE(gate_of(gates, "base", "held_out_refusal").limit);
    EXPECT_DOUBLE_EQ(*gate_of(gates, "selected", "benign_compliance").limit, 99.0);
    EXPECT_DOUBLE_EQ(*gate_of(gates, "selected", "overlap").limit, 1.8);
    EXPECT_EQ(std::ranges::count(gates, "near_miss_compliance", &Gate::gate), 0);
    CsvTable const table = gates_table(gates);
    EXPECT_EQ(table.header, (std::vector<std::string>{"arm", "gate", "value", "low", "high", "limit", "passed"}));
    EXPECT_EQ(table.text(0, "limit"), "");
    EXPECT_EQ(table.text(0, "passed"), "");
}

TEST(Gates, EachOneAloneRefuses) {
    ArmOutcome const base = outcome("base", {2, 100}, {100, 100}), good = outcome("selected", {100, 100}, {100, 100});
    auto const accepts = [&](auto const& change) {
        ArmOutcome arm = good;
        change(arm);
        return is_accepted(gates_of({base, arm}, HardenLimits(), 2), "selected");
    };
    EXPECT_TRUE(accepts([](ArmOutcome&) {}));
    EXPECT_FALSE(accepts([](ArmOutcome& a) { a.refusals[0] = {94, 100}; }));
    EXPECT_FALSE(accepts([](ArmOutcome& a) { a.refusals[0] = {0, 0}; }));
    EXPECT_FALSE(accepts([](ArmOutcome& a) { a.benign = {98, 100}; }));
    EXPECT_FALSE(accepts([](ArmOutcome& a) { a.perplexity_ratio.value = 1.03; }));
    EXPECT_FALSE(accepts([](ArmOutcome& a) { a.js.value = 0.04; }));
    EXPECT_FALSE(accepts([](ArmOutcome& a) { a.overlap.value = 1.7; }));
    EXPECT_FALSE(accepts([](ArmOutcome& a) { a.router_identical = false; }));
}

TEST(Gates, RobustnessNamesTheExpertsOfEachRow) {
    ArmOutcome arm = outcome("selected", {9, 10}, {1, 1});
    arm.refusals = {{9, 10}, {5, 10}, {0, 10}};
    CsvTable const table = robustness_table({arm}, {{2, 5}, {3, 1}});
    ASSERT_EQ(table.rows.size(), 3u);
    EXPECT_EQ(table.text(0, "experts"), "");
    EXPECT_EQ(table.text(2, "experts"), "2:5 3:1");
    EXPECT_DOUBLE_EQ(table.number(1, "refusal"), 50.0);
    EXPECT_LT(table.number(1, "low"), 50.0);
}

}  // namespace
}  // namespace gatesweep
