// Agreement of providers against plain counts, and providers against a screen that is known.
#include "gatesweep/analysis/provider_agreement.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "analysis/provider_input.h"
#include "gatesweep/analysis/analysis.h"
#include "gatesweep/analysis/provider_tables.h"
#include "gatesweep/analysis/rank_correlation.h"

namespace gatesweep {
namespace {

std::vector<ProviderScores> example(int prompts, std::vector<std::string> words) {
    std::mt19937_64 random(31);
    test::InputSpec spec;
    spec.groups = test::mixed_groups({{"benign", prompts}, {"harmful", prompts}}, random);
    auto input = test::provider_input(spec, random);
    test::plant(input, "harmful", 2, 5);
    // Experts whose logits matter by their number; prompts differ little.
    auto& margins = input.measures.at(Measure::margin_gradient);
    for (std::int64_t p = 0; p < margins.shape[0]; ++p) {
        for (std::size_t i = 0; i < margins.row(p).size(); ++i)
            margins.row(p)[i] = 0.1 * margins.row(p)[i] + std::sin(2.0 * static_cast<double>(i));
    }
    if (!words.empty()) input.scores.providers = std::move(words);
    return provider_scores(input);
}

std::set<std::int64_t> top_of(std::vector<double> const& scores, std::int64_t number) {
    std::vector<std::pair<double, std::int64_t>> order;
    for (std::size_t i = 0; i < scores.size(); ++i)
        order.emplace_back(-std::abs(scores[i]), static_cast<std::int64_t>(i));
    std::ranges::sort(order);
    std::set<std::int64_t> top;
    for (std::int64_t i = 0; i < number; ++i)
        top.insert(order[static_cast<std::size_t>(i)].second);
    return top;
}

double overlap(std::vector<double> const& a, std::vector<double> const& b, std::int64_t number) {
    auto const top_a = top_of(a, number), top_b = top_of(b, number);
    return static_cast<double>(std::ranges::count_if(top_a, [&](std::int64_t id) { return top_b.contains(id); }));
}

TEST(ProviderAgreement, IsOfEveryPairOnceAsCountedPlainly) {
    auto const providers = example(12, {});
    auto const rows = provider_agreements(providers, 6);
    ASSERT_EQ(rows.size(), providers.size() * (providers.size() - 1) / 2);
    std::size_t row = 0;
    for (std::size_t a = 0; a < providers.size(); ++a) {
        for (std::size_t b = a + 1; b < providers.size(); ++b, ++row) {
            auto const &x = providers[a].scores.values, &y = providers[b].scores.values;
            EXPECT_EQ(rows[row].a, providers[a].name);
            EXPECT_EQ(rows[row].b, providers[b].name);
            EXPECT_DOUBLE_EQ(rows[row].spearman.value, rank_correlation(x, y));
            EXPECT_DOUBLE_EQ(rows[row].kendall.value, kendall_tau(x, y));
            EXPECT_EQ(rows[row].overlap.value, overlap(x, y, 6));
            EXPECT_LE(rows[row].spearman.interval.low, rows[row].spearman.interval.high);
        }
    }
    // Of the resamples, that provider without any standing as it is.
    auto const& safex = *std::ranges::find(providers, "safex", &ProviderScores::name);
    auto const& activation = providers.front();
    std::vector<double> resampled;
    for (std::int64_t b = 0; b < activation.resampled.shape[0]; ++b)
        resampled.push_back(rank_correlation(activation.resampled.row(b), safex.scores.values));
    std::ranges::sort(resampled);
    auto const& pair =
        *std::ranges::find_if(rows, [](auto const& one) { return one.a == "activation" && one.b == "safex"; });
    EXPECT_GE(pair.spearman.interval.low, resampled[3]);
    EXPECT_LE(pair.spearman.interval.low, resampled[7]);
}

TEST(ProviderAgreement, KnowsEqualsAndOpposites) {
    auto providers = example(10, {"activation", "log-ratio"});
    providers[1] = providers[0];
    providers[1].name = "again";
    for (double& score : providers[1].scores.values)
        score = -score;
    for (double& score : providers[1].resampled.values)
        score = -score;
    auto const row = provider_agreements(providers, 5).front();
    EXPECT_DOUBLE_EQ(row.spearman.value, -1.0);
    EXPECT_DOUBLE_EQ(row.spearman.interval.high, -1.0);
    EXPECT_DOUBLE_EQ(row.kendall.value, -1.0);
    EXPECT_EQ(row.overlap.value, 5.0);
    auto const table = provider_agreement_table(providers, 5);
    EXPECT_EQ(table.text(0, "provider_b"), "again");
    EXPECT_EQ(table.integer(0, "top_n"), 5);
}

// Editing an expert takes away as much margin as its score says; some noise by prompt.
TEST(ProvidersOnScreen, FindTheProviderThatPredicts) {
    auto const providers = example(20, {"activation", "gradient", "logit-gradient"});
    std::mt19937_64 random(4);
    std::normal_distribution<double> noise(0.0, 0.02);
    NdArray<double> change({24, 4, 8});
    std::vector<std::string> groups;
    for (std::int64_t row = 0; row < 24; ++row) {
        groups.emplace_back(row % 2 == 0 ? "harmful" : "other");
        for (std::size_t i = 0; i < 32; ++i) {
            double const effect = row % 2 == 0 ? -providers[2].scores.values[i] : 0.0;
            change.row(row)[i] = effect + noise(random);
        }
    }
    auto const screens = screens_by_group(change, groups);
    ASSERT_EQ(screens.size(), 2u);
    EXPECT_EQ(screens[0].change.shape, (std::vector<std::int64_t>{12, 4, 8}));
    EXPECT_EQ(screens[1].change.values[0], change.row(1)[0]);
    auto const rows = providers_on_screen(providers, screens, 8);
    ASSERT_EQ(rows.size(), 6u);
    EXPECT_EQ(rows[4].provider, "logit-gradient");
    EXPECT_EQ(rows[4].group, "harmful");
    EXPECT_GT(rows[4].spearman.value, 0.9);
    EXPECT_LT(rows[4].signed_spearman.value, -0.9);
    EXPECT_GE(rows[4].share.value, 0.75);
    EXPECT_GT(rows[4].spearman.interval.low, 0.8);
    EXPECT_LT(std::abs(rows[0].spearman.value), 0.5);
    auto const table = provider_screen_table(providers, screens, 8);
    EXPECT_EQ(table.text(4, "provider"), "logit-gradient");
    EXPECT_EQ(table.number(4, "share_of_largest_effects"), rows[4].share.value);
}

}  // namespace
}  // namespace gatesweep
