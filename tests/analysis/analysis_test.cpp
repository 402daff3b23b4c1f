#include "gatesweep/analysis/analysis.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "analysis/random_input.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

AnalysisInput small_input() {
    std::mt19937_64 random(61);
    return test::random_input({4, 8, 2, test::mixed_groups({{"benign", 6}, {"other", 3}, {"harmful", 5}}, random)},
                              random);
}

// Two prompts a group, two layers of two experts, one expert per token: every number can be followed.
AnalysisInput hand_made() {
    AnalysisInput input;
    input.prompt_ids = {"b0", "h0", "b1", "h1"};
    input.groups = {"benign", "harmful", "benign", "harmful"};
    input.num_tokens = {4, 4, 2, 8};
    input.losses = {1, 2, 3, 4};
    input.activation_counts = NdArray<std::int64_t>({4, 2, 2});
    input.activation_counts.values = {4, 0, 2, 2, 1, 3, 2, 2, 1, 1, 2, 0, 2, 6, 4, 4};
    input.gradient_scores = NdArray<double>({4, 2, 2});
    input.gradient_scores.values = {1, 0, 2, 2, 1, 3, 2, 4, 3, 1, 4, 0, 3, 5, 2, 6};
    input.parameters.top = 2;
    input.parameters.limits(SignalKind::activation) = {0.1, 0.3};
    input.parameters.limits(SignalKind::gradient) = {0.5, 2.5};
    input.parameters.coverage = {0.5, 0.8};
    input.marks = {{1, 1}, {0, 0}, {1, 1}};
    return input;
}

TEST(Analyze, ByHand) {
    auto const result = analyze(hand_made());
    EXPECT_EQ(result.num_layers, 2);
    EXPECT_EQ(result.num_experts, 2);
    EXPECT_EQ(result.top_k, 1);
    EXPECT_EQ(result.levels, (std::vector<double>{0.8, 0.9, 0.95, 0.5}));
    auto const& benign = result.of(SignalKind::activation).groups[0];
    auto const& harmful = result.of(SignalKind::activation).groups[1];
    EXPECT_EQ(benign.group, "benign");
    EXPECT_EQ(benign.prompts, (std::vector<std::int64_t>{0, 2}));
    EXPECT_EQ(benign.maps.mean.values, (std::vector<double>{0.75, 0.25, 0.75, 0.25}));
    EXPECT_EQ(harmful.maps.mean.values, (std::vector<double>{0.25, 0.75, 0.5, 0.5}));
    EXPECT_EQ(benign.group_coverage.k, (std::vector<double>{3, 4, 4, 2}));      // of .75 .75 .25 .25
    EXPECT_EQ(benign.prompt_coverage[0].k, (std::vector<double>{3, 3, 3, 1}));  // of 1 .5 .5 0
    EXPECT_EQ(benign.prompt_mean_coverage.k[0], 3.0);
    EXPECT_EQ(benign.prompt_mean_coverage.top1, 1.0);
    // Top 2 of b0: 1 at 0:0, then .5 at 1:0; of b1: 1 at 1:0, then .5 at 0:0.
    EXPECT_EQ(benign.num_prompts_in_top, (std::vector<std::int64_t>{2, 0, 2, 0}));
    EXPECT_EQ(benign.mean_of_prompts[0].dominant, 0.75);
    EXPECT_EQ(benign.mean_of_prompts[0].active_experts, 1.5);
    // Gaps -.5 +.5 -.25 +.25.
    EXPECT_EQ(result.of(SignalKind::activation).class_counts, (ClassCounts{2, 0, 2, 0, 0, 0}));
    // Top 2: benign 0:0 1:0; harmful 0:1, then 1:0 before its equal 1:1.
    EXPECT_EQ(result.of(SignalKind::activation).overlap, (std::vector<ExpertId>{{1, 0}}));
    // Gradient means: benign 2 .5 3 1, harmful 2 4 2 5: gaps 0 3.5 -1 4.
    EXPECT_EQ(result.of(SignalKind::gradient).class_counts, (ClassCounts{2, 0, 1, 0, 1, 0}));
    EXPECT_EQ(result.of(SignalKind::gradient).groups[0].maps.mean.values, (std::vector<double>{2, 0.5, 3, 1}));
    EXPECT_EQ(result.of(SignalKind::gradient).groups[0].mean_of_prompts[0].dominant, 2.0);
    ASSERT_EQ(result.of(SignalKind::gradient_share).classes.size(), 4u);
    EXPECT_EQ(result.of(SignalKind::gradient_share).classes[3].id, (ExpertId{1, 1}));
    EXPECT_DOUBLE_EQ(result.of(SignalKind::gradient_share).classes[3].gap, (4.0 / 6 + 6.0 / 8) / 2 - 0.25);
    EXPECT_EQ(result.of(SignalKind::gradient_share).classes[3].label, ExpertClass::malicious_dominant);
    EXPECT_EQ(result.of(SignalKind::gradient_share).classes[2].label, ExpertClass::benign_dominant);

    ASSERT_EQ(result.marked.size(), 6u);  // two experts, three scores; the repeated mark counts once
    EXPECT_EQ(result.marked[0].signal, SignalKind::activation);
    EXPECT_EQ(result.marked[0].id, (ExpertId{1, 1}));
    EXPECT_EQ(result.marked[0].gap, 0.25);
    EXPECT_EQ(result.marked[0].rank_by_abs_gap, 4);
    EXPECT_EQ(result.marked[0].label, ExpertClass::malicious_dominant);
    EXPECT_EQ(result.marked[1].rank_by_abs_gap, 1);
    EXPECT_EQ(result.marked[2].signal, SignalKind::gradient);
    EXPECT_EQ(result.marked[2].gap, 4.0);
    EXPECT_EQ(result.marked[2].rank_by_abs_gap, 1);
    EXPECT_EQ(result.marked[4].signal, SignalKind::gradient_share);
    EXPECT_DOUBLE_EQ(result.marked[4].benign_mean, (0.5 + 0.0) / 2);
    EXPECT_DOUBLE_EQ(result.marked[4].malicious_mean, (4.0 / 6 + 6.0 / 8) / 2);
    EXPECT_EQ(result.marked[4].label, ExpertClass::malicious_dominant);
    EXPECT_DOUBLE_EQ(result.marked[5].gap, (0.25 + 0.375) / 2 - (1.0 + 0.75) / 2);
}

TEST(Analyze, EveryGroupIsDescribedInTheOrderOfThePrompts) {
    auto const input = small_input();
    auto const result = analyze(input);
    for (SignalAnalysis const& analysis : result.signals) {
        ASSERT_EQ(analysis.groups.size(), 3u);
        std::size_t num_prompts = 0;
        for (auto const& group : analysis.groups) {
            num_prompts += group.prompts.size();
            for (auto const p : group.prompts)
                EXPECT_EQ(input.groups[static_cast<std::size_t>(p)], group.group);
            EXPECT_EQ(group.prompt_coverage.size(), group.prompts.size());
            // `top` experts are counted for every prompt.
            std::int64_t counted = 0;
            for (auto const count : group.num_prompts_in_top)
                counted += count;
            EXPECT_EQ(counted, 10 * std::ssize(group.prompts));
        }
        EXPECT_EQ(num_prompts, input.groups.size());
        EXPECT_EQ(analysis.groups[0].group, input.groups[0]);
        std::int64_t classified = 0;
        for (auto const count : analysis.class_counts)
            classified += count;
        EXPECT_EQ(classified, 32);
    }
    for (auto const& group : result.of(SignalKind::activation).groups) {
        EXPECT_NEAR(group.ranking.back().cumulative_score, 4.0, 1e-13);  // every layer has mass 1
        EXPECT_LE(group.ranking.front().score, 0.5);
    }
}

TEST(Analyze, APromptCountsTheSameHoweverLongItIs) {
    auto input = small_input();
    auto const before = analyze(input);
    for (std::size_t p = 0; p < input.groups.size(); p += 2) {
        input.num_tokens[p] *= 64;
        for (std::int64_t l = 0; l < 4; ++l) {
            for (std::int64_t e = 0; e < 8; ++e)
                input.activation_counts.at(static_cast<std::int64_t>(p), l, e) *= 64;
        }
    }
    EXPECT_EQ(analyze(input).of(SignalKind::activation).groups[0].maps.mean.values,
              before.of(SignalKind::activation).groups[0].maps.mean.values);
}

TEST(Analyze, ATopOneRouterHasNoGateGradient) {
    std::mt19937_64 random(62);
    auto input = test::random_input({3, 4, 1, test::mixed_groups({{"benign", 3}, {"harmful", 3}}, random)}, random);
    for (double& score : input.gradient_scores.values)
        score = 0.0;
    auto const result = analyze(input);
    EXPECT_EQ(result.top_k, 1);
    EXPECT_EQ(result.of(SignalKind::gradient).class_counts, (ClassCounts{0, 0, 0, 0, 12, 0}));
    EXPECT_EQ(result.of(SignalKind::gradient).groups[0].group_coverage.k, (std::vector<double>{0, 0, 0}));
    EXPECT_EQ(result.of(SignalKind::gradient).groups[0].mean_of_prompts[0].effective_experts, 0.0);
}

TEST(Analyze, RefusesBrokenMeasurements) {
    auto const good = small_input();
    auto input = good;
    input.gradient_scores.at(3, 2, 5) = std::numeric_limits<double>::quiet_NaN();
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "prompt 3", "layer 2", "expert 5", "nan");
    input.gradient_scores.at(3, 2, 5) = std::numeric_limits<double>::infinity();
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "prompt 3", "layer 2", "expert 5", "inf");
    input.gradient_scores.at(3, 2, 5) = -1e-9;
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "prompt 3", "layer 2", "expert 5");

    input = good;
    input.losses[2] = std::numeric_limits<double>::infinity();
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "prompt 2", "loss inf");
    input.losses[2] = std::numeric_limits<double>::quiet_NaN();
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "prompt 2", "loss nan");

    input = good;
    input.activation_counts.at(1, 3, 0) = -1;
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "prompt 1", "layer 3", "expert 0", "count -1");
    input.activation_counts.at(1, 3, 0) = input.num_tokens[1] + 1;
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "prompt 1", "layer 3", "expert 0");
    input.activation_counts.at(1, 3, 0) =
        good.activation_counts.at(1, 3, 0) == 0 ? 1 : good.activation_counts.at(1, 3, 0) - 1;
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "prompt 1", "layer 3", "sum to", "2 experts");
    input = good;
    input.top_k = 3;
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "prompt 0", "3 experts");
    input = good;
    input.num_tokens[4] = 0;
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "prompt 4", "0 tokens");

    input = good;
    input.losses.pop_back();
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "13 losses");
    input = good;
    input.gradient_scores = NdArray<double>({14, 4, 7});
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "(14, 4, 7)", "(14, 4, 8)");
    input = good;
    input.activation_counts = NdArray<std::int64_t>({13, 4, 8});
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "(13, 4, 8)", "14 prompts");
    EXPECT_ERROR(analyze(AnalysisInput{}), ExitCode::bad_data, "no prompts");
}

TEST(Analyze, AOneTokenPromptHasNoLoss) {
    auto input = hand_made();
    input.num_tokens[2] = 1;
    input.losses[2] = std::numeric_limits<double>::quiet_NaN();
    input.activation_counts.values = {4, 0, 2, 2, 1, 3, 2, 2, 1, 0, 1, 0, 2, 6, 4, 4};
    EXPECT_EQ(analyze(input).top_k, 1);
}

TEST(Analyze, RefusesParametersThatMeanNothing) {
    auto const good = small_input();
    auto const with = [&](auto change) {
        auto input = good;
        change(input.parameters);
        return input;
    };
    EXPECT_ERROR(analyze(with([](auto& p) { p.malicious = "harmfull"; })), ExitCode::job, "'harmfull'",
                 "perhaps 'harmful'");
    EXPECT_ERROR(analyze(with([](auto& p) { p.benign = "harmful"; })), ExitCode::job, "both name group 'harmful'");
    EXPECT_ERROR(analyze(with([](auto& p) { p.coverage = {0.8, 1.5}; })), ExitCode::job, "coverage level 1.5");
    EXPECT_ERROR(analyze(with([](auto& p) { p.coverage = {0.0}; })), ExitCode::job, "coverage level 0");
    EXPECT_ERROR(analyze(with([](auto& p) { p.top = 0; })), ExitCode::job, "top = 0");
    EXPECT_ERROR(analyze(with([](auto& p) { p.limits(SignalKind::gradient).gap = -1.0; })), ExitCode::job, "gradient",
                 "gap = -1");
    auto marked = good;
    marked.marks = {{4, 0}};
    EXPECT_ERROR(analyze(marked), ExitCode::bad_data, "4:0", "4 layers of 8 experts");
    marked.marks = {{0, -1}};
    EXPECT_ERROR(analyze(marked), ExitCode::bad_data, "0:-1");
}

TEST(Analyze, MoreTopThanExpertsIsAll) {
    auto input = small_input();
    input.parameters.top = 1000;
    auto const result = analyze(input);
    EXPECT_EQ(result.of(SignalKind::activation).overlap.size(), 32u);
}

}  // namespace
}  // namespace gatesweep
