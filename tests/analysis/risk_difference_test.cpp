// Risk differences of hand-made pairs, their identities and intervals, and what the controls take away.
#include "gatesweep/analysis/risk_difference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "gatesweep/analysis/pair_contrasts.h"
#include "gatesweep/analysis/pair_tables.h"

namespace gatesweep {
namespace {

// Tokens of `ids`, each with its experts in each of two layers.
using Choice = std::array<std::vector<std::uint16_t>, 2>;
CountedTokens tokens(std::vector<std::int32_t> ids, std::vector<Choice> const& choices) {
    CountedTokens out;
    out.ids = std::move(ids);
    out.top_k = std::ssize(choices.front()[0]);
    for (std::size_t layer = 0; layer < 2; ++layer) {
        for (Choice const& choice : choices)
            out.experts.insert(out.experts.end(), choice[layer].begin(), choice[layer].end());
    }
    return out;
}

MeasuredPair pair(std::string name, CountedTokens first, CountedTokens second) {
    MeasuredPair out;
    out.id = "p";
    out.name = std::move(name);
    out.num_tokens = {first.size() + 3, second.size() + 3};
    out.counted = {std::move(first), std::move(second)};
    return out;
}

// Two layers (decoder layers 1 and 3) of three experts, top-1.
MeasuredPairs two_pairs() {
    MeasuredPairs out;
    out.num_layers = 2, out.num_experts = 3, out.top_k = 1;
    out.moe_layers = MoeLayers({1, 3});
    out.pairs.push_back(pair("a", tokens({7, 8}, {{{{0}, {1}}}, {{{0}, {2}}}}),
                             tokens({7, 9, 9, 9}, {{{{1}, {1}}}, {{{1}, {1}}}, {{{2}, {1}}}, {{{1}, {0}}}})));
    out.pairs.push_back(pair("a", tokens({8}, {{{{1}, {2}}}}), tokens({8}, {{{{1}, {0}}}})));
    return out;
}

TEST(RiskDifference, PoolsTokensOfAllPairs) {
    PairInput const input = pair_input(two_pairs());
    EXPECT_EQ(input.counts.shape, (std::vector<std::int64_t>{2, 2, 2, 3}));
    EXPECT_EQ(input.counts.values,
              (std::vector<std::int64_t>{2, 0, 0, 0, 1, 1, 0, 3, 1, 1, 3, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0}));
    auto const of = rows_by_name(input);
    ASSERT_EQ(of.size(), 1u);
    auto const risks = risk_differences(input, of[0], MoeLayers({1, 3}), 100);
    ASSERT_EQ(risks.size(), 6u);
    RiskDifference const& first = risks[0];  // 2/3 - 0/5, and 2/3 - 0/5 of another: the lower layer first
    EXPECT_EQ(first.id, (ExpertId{1, 0}));
    EXPECT_EQ(risks[1].id, (ExpertId{3, 2}));
    EXPECT_EQ(first.a1, 2);
    EXPECT_EQ(first.d1, 1);
    EXPECT_EQ(first.a2, 0);
    EXPECT_EQ(first.d2, 5);
    EXPECT_DOUBLE_EQ(first.difference, 2.0 / 3.0);
    EXPECT_DOUBLE_EQ(first.pair_mean, (1.0 + 0.0) / 2.0);  // pairs weigh the same, whatever their length
    EXPECT_DOUBLE_EQ(first.log_odds_ratio, std::log((2.5 / 1.5) / (0.5 / 5.5)));
    EXPECT_LE(first.interval.low, first.pair_mean);
    EXPECT_GE(first.interval.high, first.pair_mean);
    // Of every layer they sum to nothing, since each token has top-k experts on either side.
    for (std::int64_t const layer : {1, 3}) {
        double sum = 0.0;
        for (auto const& risk : risks) {
            if (risk.id.layer == layer) sum += risk.difference;
        }
        EXPECT_NEAR(sum, 0.0, 1e-15);
    }
    // The same again, to the bit; and without resamples no interval.
    EXPECT_EQ(risk_differences(input, of[0], MoeLayers({1, 3}), 100)[0].interval.low, first.interval.low);
    EXPECT_TRUE(std::isnan(risk_differences(input, of[0], MoeLayers({1, 3}), 0)[0].interval.low));
}

TEST(RiskDifference, TableHasPublishedColumnsFirst) {
    PairInput const input = pair_input(two_pairs());
    CsvTable const table = risk_difference_table(input, MoeLayers({1, 3}), 10);
    EXPECT_EQ(table.text(0, "Layer_Expert"), "L01 E00");
    EXPECT_EQ(table.text(0, "a1"), "2");
    EXPECT_EQ(table.text(0, "pairs_name"), "a");
    double last = 2.0;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        EXPECT_LE(table.number(row, "risk_diff_abs"), last);
        last = table.number(row, "risk_diff_abs");
        EXPECT_EQ(table.number(row, "risk_diff_abs"), std::abs(table.number(row, "risk_diff")));
    }
}

Contrast const& named(std::vector<Contrast> const& all, std::string const& name) {
    return *std::ranges::find(all, name, &Contrast::name);
}

TEST(PairContrasts, TakeOneExplanationAwayEach) {
    MeasuredPairs const measured = two_pairs();
    auto const pairs = by_name(measured);
    auto const controls = control_contrasts(measured, pairs[0]);
    ASSERT_EQ(controls.size(), 4u);
    Contrast const& length = named(controls, "length-matched");
    EXPECT_EQ(length.num_tokens, (std::array<double, 2>{3, 3}));
    EXPECT_EQ(length.chosen[1], (std::vector<double>{0, 3, 0, 1, 2, 0}));
    // Token 7 stands once on either side, 8 twice and once, 9 on one side alone.
    Contrast const& equal = named(controls, "equal-token");
    EXPECT_EQ(equal.num_tokens, (std::array<double, 2>{2, 2}));
    EXPECT_EQ(equal.chosen[0], (std::vector<double>{1.5, 0.5, 0, 0, 1, 1}));
    EXPECT_EQ(equal.chosen[1], (std::vector<double>{0, 2, 0, 1, 1, 0}));
    EXPECT_EQ(named(controls, "halves-0").num_tokens, (std::array<double, 2>{2, 1}));
    EXPECT_EQ(named(controls, "halves-1").num_tokens, (std::array<double, 2>{4, 1}));
}

// Sides with the same tokens, routed by their tokens alone: what differs is how often each token stands, and nothing is
// left between equal tokens.
TEST(PairContrasts, EqualTokensShowNothingWhereTokensDecide) {
    MeasuredPairs measured;
    measured.num_layers = 2, measured.num_experts = 3, measured.top_k = 1;
    std::mt19937 random(5);
    for (int p = 0; p < 20; ++p) {
        std::array<CountedTokens, 2> sides;
        for (int side = 0; side < 2; ++side) {
            std::vector<std::int32_t> ids;
            std::vector<Choice> choices;
            for (int t = 0; t < 10; ++t) {
                auto const id = static_cast<std::int32_t>(random() % (side == 0 ? 2 : 6));
                ids.push_back(id);
                choices.push_back({{{static_cast<std::uint16_t>(id % 3)}, {static_cast<std::uint16_t>(id / 2 % 3)}}});
            }
            sides[static_cast<std::size_t>(side)] = tokens(ids, choices);
        }
        measured.pairs.push_back(pair("a", sides[0], sides[1]));
    }
    auto const pairs = by_name(measured);
    auto const controls = control_contrasts(measured, pairs[0]);
    double all = 0.0, equal = 0.0;
    for (std::size_t i = 0; i < 6; ++i) {
        all = std::max(all, std::abs(whole_contrast(measured, pairs[0]).difference(i)));
        equal = std::max(equal, std::abs(named(controls, "equal-token").difference(i)));
    }
    EXPECT_GT(all, 0.1);
    EXPECT_LT(equal, 1e-12);
}

// Two lists of pairs, side by side and not mixed; layers that differ by chance alone are flat.
TEST(PairTables, KeepListsApartAndMarkFlatLayers) {
    MeasuredPairs measured = two_pairs();
    measured.pairs.push_back(pair("b", tokens({7}, {{{{0}, {0}}}}), tokens({7}, {{{{0}, {1}}}})));
    auto const tables = pair_tables(measured, [](std::int32_t id) { return "<" + std::to_string(id) + ">"; });
    ASSERT_EQ(tables.size(), 5u);
    EXPECT_EQ(tables[0].rows.size(), 3u);
    CsvTable const& pieces = tables[1];
    EXPECT_EQ(pieces.text(0, "piece"), "<7>");
    EXPECT_EQ(pieces.integer(0, "counted_0"), 1);
    for (CsvTable const& table : tables) {
        if (table.name != "pair_layers") continue;
        ASSERT_EQ(table.rows.size(), 4u);
        EXPECT_EQ(table.integer(0, "layer"), 1);
        EXPECT_EQ(table.text(2, "pairs_name"), "b");
        EXPECT_EQ(table.text(2, "mean_abs_by_chance"), "nan");  // one pair has no halves
        EXPECT_EQ(table.integer(2, "flat"), 0);
    }
}

}  // namespace
}  // namespace gatesweep
