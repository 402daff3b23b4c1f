#include "gatesweep/sweep/sweep_measures.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gatesweep/sweep/plan_edits.h"

namespace gatesweep {
namespace {

std::vector<std::string> const groups = {"harmful", "benign", "other", "harmful", "benign"};

TEST(SweepRows, AreTheSweptAndTheWatchedGroupsInTheOrderOfThePrompts) {
    SweepSpec sweep;
    sweep.prompts = {"harmful"};
    sweep.side_effects = {"benign"};
    EXPECT_EQ(sweep_rows(sweep, groups), (std::vector<std::int64_t>{0, 1, 3, 4}));
    sweep.side_effects = {};
    EXPECT_EQ(sweep_rows(sweep, groups), (std::vector<std::int64_t>{0, 3}));
    EXPECT_TRUE(rows_of_groups(groups, {"no such group"}).empty());
}

ForcedScore score(std::int64_t prompt, std::int32_t variant, double nll, double kl, std::int64_t num_targets) {
    ForcedScore out{prompt, variant, {}};
    out.score.nll_sum = nll;
    out.score.kl_sum = kl;
    out.score.num_targets = num_targets;
    return out;
}

TEST(TextEffects, PoolTokensOfAGroup) {
    auto const effects = text_effects(groups, {score(1, 0, 10, 0, 5), score(4, 0, 30, 0, 15), score(1, 1, 14, 2, 5),
                                               score(4, 1, 36, 4, 15), score(0, 1, 5, 1, 1)});
    TextEffect const& benign = effects.at({1, "benign"});
    EXPECT_DOUBLE_EQ(benign.perplexity_ratio, std::exp((50.0 - 40.0) / 20.0));
    EXPECT_DOUBLE_EQ(benign.mean_kl, 6.0 / 20.0);
    EXPECT_DOUBLE_EQ(effects.at({0, "benign"}).perplexity_ratio, 1.0);
    EXPECT_EQ(effects.count({1, "harmful"}), 0u) << "without a baseline there is no effect";
}

TrialPlan plan_of_two() {
    TrialPlan plan;
    plan.num_layers = 1;
    plan.num_experts = 2;
    plan.trials.resize(2);
    plan.trials[0].id = "baseline";
    plan.trials[1].id = "t1";
    plan.trials[1].edits = {{{0, 1}, 1.0}};
    return plan;
}

TEST(CollectOutcomes, PutsRepliesInTheOrderOfTheJobsGroups) {
    SweepSpec sweep;
    sweep.prompts = {"harmful"};
    sweep.side_effects = {"benign"};
    sweep.labels.mixed = MixedPairs::allow;
    NdArray<std::int64_t> counts({5, 1, 2});
    counts.values = {3, 1, 0, 2, 9, 9, 1, 3, 2, 0};
    std::vector<MeasuredReply> replies;
    for (std::int64_t trial = 0; trial < 2; ++trial) {
        replies.push_back({trial, 0, "I cannot help.", {Label::full_refusal, LabelSource::labeller}});
        replies.push_back({trial, 1, "Sure, here it is.", {Label::full_compliance, LabelSource::labeller}});
        replies.push_back({trial, 4, std::nullopt, {Label::unscored, LabelSource::nobody}});
    }
    replies.push_back({0, 3, " \n", {Label::incoherent, LabelSource::labeller}});
    replies.push_back({1, 3, "No.", {Label::partial_refusal, LabelSource::person}});
    SweepOutcomes const outcomes = collect_outcomes(sweep, groups, plan_of_two(), replies, {}, counts);
    EXPECT_EQ(outcomes.prompt_index, (std::vector<std::int64_t>{0, 3, 1, 4}));
    EXPECT_EQ(outcomes.groups(), (std::vector<std::string>{"harmful", "benign"}));
    EXPECT_EQ(outcomes.mixed, MixedPairs::allow);
    EXPECT_EQ(outcomes.outcomes[0][0].label, Label::full_refusal);
    EXPECT_TRUE(outcomes.outcomes[0][1].empty);
    EXPECT_FALSE(outcomes.outcomes[0][1].by_person);
    EXPECT_EQ(outcomes.outcomes[1][1].label, Label::partial_refusal);
    EXPECT_TRUE(outcomes.outcomes[1][1].by_person);
    EXPECT_EQ(outcomes.outcomes[1][2].label, Label::full_compliance);
    EXPECT_EQ(outcomes.outcomes[1][3].label, Label::unscored);
    EXPECT_FALSE(outcomes.outcomes[1][3].empty) << "a reply that cannot be read is not known to be empty";
    EXPECT_DOUBLE_EQ(outcomes.traffic_share.at({1, "harmful"}), 4.0 / 8.0);
    EXPECT_DOUBLE_EQ(outcomes.traffic_share.at({1, "benign"}), 2.0 / 4.0);
    EXPECT_EQ(outcomes.traffic_share.count({0, "harmful"}), 0u) << "the baseline takes nothing away";
}

TEST(PlanEdits, AreAVariantForEachTrial) {
    TrialPlan const plan = plan_of_two();
    RouterEdits const edits = plan_edits(plan, plan.num_layers);
    EXPECT_EQ(edits.num_variants(), 2);
    EXPECT_EQ(edits.entry(0, 0, Phase::prefill), 0);
    EXPECT_NE(edits.entry(1, 0, Phase::prefill), 0);
}

TEST(PlanDigest, DependsOnTrialsAndOnTheTokensThatAreSwept) {
    std::vector<std::vector<std::int32_t>> prompts = {{1, 2}, {3}, {4, 5}};
    TrialPlan plan = plan_of_two();
    std::string const digest = plan_digest(plan, prompts, {0, 1});
    prompts[2] = {9};
    EXPECT_EQ(plan_digest(plan, prompts, {0, 1}), digest) << "a prompt that is not swept";
    EXPECT_NE(plan_digest(plan, prompts, {1, 0}), digest);
    prompts[0] = {1, 3};
    EXPECT_NE(plan_digest(plan, prompts, {0, 1}), digest);
    prompts[0] = {1, 2};
    plan.trials[1].id = "t2";
    EXPECT_NE(plan_digest(plan, prompts, {0, 1}), digest);
}

TEST(ForcedTexts, AreTheWatchedPromptsWithTheirReplies) {
    std::vector<std::vector<std::int32_t>> const prompts = {{1}, {2, 3}, {4}, {5}, {6, 7, 8}};
    std::vector<Completion> const baseline = {
        {0, 0, {10, 11}, FinishReason::length}, {1, 0, {12}, FinishReason::length}, {4, 0, {}, FinishReason::length}};
    auto const texts = forced_texts(baseline, prompts, groups, {"benign"});
    ASSERT_EQ(texts.size(), 2u);
    EXPECT_EQ(texts[0].prompt, 1);
    EXPECT_EQ(texts[0].ids, (std::vector<std::int32_t>{2, 3, 12}));
    EXPECT_EQ(texts[0].num_prompt_tokens, 2);
    EXPECT_EQ(texts[1].ids, (std::vector<std::int32_t>{6, 7, 8}));
    EXPECT_EQ(texts[1].num_prompt_tokens, 3);
    EXPECT_TRUE(forced_texts(baseline, prompts, groups, {}).empty());
}

}  // namespace
}  // namespace gatesweep
