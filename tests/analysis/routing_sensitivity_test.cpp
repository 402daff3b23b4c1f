// The criterion by plain loops, its stability, and whether it finds an expert that answers to harm and not to topics.
#include "gatesweep/analysis/routing_sensitivity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "analysis/audit_input_example.h"
#include "gatesweep/analysis/provider_scores.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

class Sensitivity : public testing::Test {
protected:
    std::vector<PromptPair> pairs(AuditCondition condition) const {
        return audit_pairs(condition, test::prompts_of(input_), "a test");
    }
    double share(std::int64_t p, std::size_t i) const { return input_.audit.shares.row(p)[i]; }
    // The expert takes this much more of a prompt's routing, from all others of its layer alike.
    void add(std::int64_t p, std::int64_t l, std::int64_t e, double more) {
        auto& shares = input_.audit.shares;
        for (std::int64_t other = 0; other < shares.shape[2]; ++other)
            shares.at(p, l, other) *= 1 - more;
        shares.at(p, l, e) += more;
    }
    ProviderScores provider() {
        input_.scores.providers = {"routing-sensitivity"};
        return provider_scores(input_).front();
    }

    AnalysisInput input_ = test::audited_input(80, 5);
};

TEST_F(Sensitivity, IsItsFormula) {
    RoutingSensitivity const found = routing_sensitivity(input_);
    auto const matched = pairs(AuditCondition::matched), topics = pairs(AuditCondition::topic);
    ASSERT_EQ(found.score.size(), 32u);
    for (std::size_t i = 0; i < found.score.size(); ++i) {
        double contrast = 0, squares = 0, change = 0;
        for (auto const& [h, b] : matched)
            contrast += (share(h, i) - share(b, i)) / static_cast<double>(matched.size());
        for (auto const& [h, b] : matched)
            squares += std::pow(share(h, i) - share(b, i) - contrast, 2);
        for (auto const& [u, v] : topics)
            change += std::abs(share(u, i) - share(v, i)) / static_cast<double>(topics.size());
        auto const n = static_cast<double>(matched.size());
        EXPECT_NEAR(found.contrast[i], contrast, 1e-14);
        EXPECT_NEAR(found.z[i], contrast / (std::sqrt(squares / (n - 1)) / std::sqrt(n)), 1e-10);
        EXPECT_NEAR(found.topic_change[i], change, 1e-14);
        EXPECT_NEAR(found.score[i], contrast / (change + 0.05 / 8), 1e-12);
    }
}

TEST_F(Sensitivity, FindsWhatAnswersToHarmNotToTopics) {
    for (std::int64_t p = 0; p < 80; ++p) {
        auto const at = static_cast<std::size_t>(p);
        std::string const &group = input_.groups[at], &topic = input_.metadata.rows[at][1];
        if (group == "other") continue;
        if (group == "harmful") add(p, 1, 3, 0.3);
        if (group == "benign") add(p, 3, 0, 0.3);
        if (topic == "b") add(p, 2, 5, 0.6);  // most of all, and no matter of harm
    }
    RoutingSensitivity const found = routing_sensitivity(input_);
    EXPECT_EQ(std::set({found.order[0], found.order[1]}), (std::set<std::int64_t>{1 * 8 + 3, 3 * 8 + 0}));
    EXPECT_GT(found.score[1 * 8 + 3], 1.0);
    EXPECT_LT(found.score[3 * 8 + 0], -1.0);
    EXPECT_EQ(found.share_in_top[1 * 8 + 3], 1.0);
    EXPECT_GT(found.topic_change[2 * 8 + 5], found.topic_change[1 * 8 + 3]);
    EXPECT_LT(std::abs(found.score[2 * 8 + 5]), 0.5);
}

TEST_F(Sensitivity, RanksStableExpertsFirst) {
    ProviderScores const scores = provider();
    RoutingSensitivity const found = routing_sensitivity(input_);
    EXPECT_EQ(scores.order, found.order);
    EXPECT_EQ(scores.scores.values, found.score);
    EXPECT_EQ(found.resampled.shape[0], 200);
    auto const stable = [&](std::int64_t i) { return found.is_stable(static_cast<std::size_t>(i)); };
    EXPECT_TRUE(std::ranges::is_partitioned(found.order, stable));
    auto const middle = std::ranges::partition_point(found.order, stable);
    EXPECT_LE(middle - found.order.begin(), 12);  // 10 places, 80 % each
    for (auto const& [begin, end] : {std::pair(found.order.begin(), middle), std::pair(middle, found.order.end())}) {
        EXPECT_TRUE(std::is_sorted(begin, end, [&](auto a, auto b) {
            return std::abs(found.score[static_cast<std::size_t>(a)]) >
                   std::abs(found.score[static_cast<std::size_t>(b)]);
        }));
    }
    // The share of resamples by plain loops.
    std::vector<double> in_top(32, 0.0);
    for (std::int64_t b = 0; b < 200; ++b) {
        std::vector<std::pair<double, std::size_t>> order;
        for (std::size_t i = 0; i < 32; ++i)
            order.emplace_back(-std::abs(found.resampled.row(b)[i]), i);
        std::ranges::sort(order);
        for (std::size_t i = 0; i < 10; ++i)
            in_top[order[i].second] += 1.0;
    }
    for (std::size_t i = 0; i < 32; ++i) {
        EXPECT_EQ(found.share_in_top[i], in_top[i] / 200.0);
        EXPECT_EQ(scores.rank[static_cast<std::size_t>(found.order[i])], static_cast<std::int64_t>(i) + 1);
        EXPECT_LE(scores.low[i], scores.high[i]);
    }
}

TEST_F(Sensitivity, WithoutResamplesNothingIsSelected) {
    input_.scores.bootstrap = 0;
    RoutingSensitivity const found = routing_sensitivity(input_);
    EXPECT_TRUE(found.share_in_top.empty());
    EXPECT_EQ(found.order, order_by_magnitude(found.score));
    EXPECT_FALSE(provider().has_intervals());
    CsvTable const table = routing_sensitivity_table(input_);
    EXPECT_EQ(table.text(0, "share_in_top"), "");
    EXPECT_EQ(table.text(0, "is_stable"), "1");
    EXPECT_EQ(table.number(3, "crs"), std::abs(found.score[3]));
}

TEST_F(Sensitivity, SaysWhatTheRunDoesNotHave) {
    AnalysisInput other = input_;
    other.parameters.benign = "other";
    EXPECT_ERROR(routing_sensitivity(other), ExitCode::bad_data, "the audit was of other groups");
    other = input_;
    other.metadata = {};
    EXPECT_ERROR(routing_sensitivity(other), ExitCode::job, "the provider routing-sensitivity needs it");
    other = input_;
    other.audit = {};
    EXPECT_ERROR(routing_sensitivity(other), ExitCode::bad_data, "run the job anew with [audit]");
}

}  // namespace
}  // namespace gatesweep
