// Divergence and overlap by plain loops, what they are at their ends, and their means with intervals.
#include "gatesweep/analysis/routing_divergence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <set>

#include "gatesweep/store/table_catalogue.h"

namespace gatesweep {
namespace {

constexpr std::int64_t layers = 3, experts = 6, top_k = 2;

// Tokens with random experts and weights, and the routing vectors that follow.
RoutedText random_text(std::int64_t num_tokens, std::mt19937_64& random) {
    std::uniform_real_distribution<double> unit(0.1, 1.0);
    RoutedText out;
    out.tokens.ids.resize(static_cast<std::size_t>(num_tokens));
    out.tokens.top_k = top_k;
    out.shares.assign(layers * experts, 0.0);
    for (std::int64_t row = 0; row < layers; ++row) {
        for (std::int64_t t = 0; t < num_tokens; ++t) {
            auto const a = static_cast<std::uint16_t>(random() % (experts - 1));
            auto const b = static_cast<std::uint16_t>(a + 1 + random() % (experts - 1 - a));
            double const w = unit(random) / 1.1;
            out.tokens.experts.insert(out.tokens.experts.end(), {a, b});
            out.shares[static_cast<std::size_t>(row * experts + a)] += w / static_cast<double>(num_tokens);
            out.shares[static_cast<std::size_t>(row * experts + b)] += (1 - w) / static_cast<double>(num_tokens);
        }
    }
    return out;
}

RoutedTexts random_texts(std::vector<std::int64_t> const& lengths, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    RoutedTexts out{layers, experts, top_k, {}};
    for (std::int64_t const length : lengths)
        out.texts.push_back(random_text(length, random));
    return out;
}

double plain_js(std::vector<double> const& p, std::vector<double> const& q) {
    auto const entropy = [](std::vector<double> const& values) {
        double sum = 0;
        for (double const v : values)
            sum -= v > 0 ? v * std::log(v) : 0;
        return sum;
    };
    std::vector<double> middle;
    for (std::size_t i = 0; i < p.size(); ++i)
        middle.push_back((p[i] + q[i]) / 2);
    return entropy(middle) - (entropy(p) + entropy(q)) / 2;
}

TEST(JsDivergence, AtItsEndsAndBetween) {
    std::vector<double> const p = {0.5, 0.5, 0, 0}, q = {0, 0, 0.25, 0.75}, r = {0.1, 0.2, 0.3, 0.4};
    EXPECT_EQ(js_divergence(p, p), 0.0);
    EXPECT_DOUBLE_EQ(js_divergence(p, q), std::numbers::ln2);
    EXPECT_NEAR(js_divergence(p, r), plain_js(p, r), 1e-15);
    EXPECT_EQ(js_divergence(p, r), js_divergence(r, p));
    // 1/2 (1 ln 2) + 1/2 (1/2 ln 2/3 + 1/2 ln 2), by hand.
    EXPECT_NEAR(js_divergence(std::vector{1.0, 0.0}, std::vector{0.5, 0.5}),
                0.5 * std::log(4.0 / 3.0) + 0.25 * std::log(2.0 / 3.0) + 0.25 * std::log(2.0), 1e-15);
}

TEST(Overlap, OfVectorsTakesTheLowerOfEqualOnes) {
    EXPECT_EQ(vector_overlap(std::vector{0.4, 0.3, 0.3}, std::vector{0.0, 0.5, 0.5}, 2), 1.0);  // 0 1 and 1 2
    EXPECT_EQ(vector_overlap(std::vector{0.4, 0.3, 0.3}, std::vector{0.0, 0.5, 0.5}, 3), 3.0);
}

TEST(Overlap, OfTokensIsOverTheShorter) {
    CountedTokens const a{{1, 2, 3}, {0, 1, 2, 3, 4, 5}, 2}, b{{7, 8}, {1, 4, 2, 3}, 2};
    EXPECT_EQ(token_overlap(a, b, 0), (1 + 2) / 2.0);
    EXPECT_EQ(token_overlap(a, b, 0), token_overlap(b, a, 0));
    EXPECT_EQ(token_overlap(a, a, 0), 2.0);
}

// Before and after a change: two sets of the same texts.
TEST(Divergences, ByPlainLoops) {
    auto const before = random_texts({5, 9, 3}, 1), after = random_texts({5, 9, 3}, 2);
    std::vector<TextPair> const pairs = {{0, 0}, {1, 1}, {2, 0}};
    for (OverlapOf const how : {OverlapOf::tokens, OverlapOf::vectors}) {
        auto const found = divergences(before, after, pairs, how);
        ASSERT_EQ(found.size(), pairs.size());
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            auto const &x = before.texts[pairs[i].a], &y = after.texts[pairs[i].b];
            for (std::int64_t row = 0; row < layers; ++row) {
                auto const of_layer = [row](RoutedText const& text) {
                    return std::vector(text.shares.begin() + row * experts, text.shares.begin() + (row + 1) * experts);
                };
                EXPECT_NEAR(found[i].js[static_cast<std::size_t>(row)], plain_js(of_layer(x), of_layer(y)), 1e-14);
                double expected = 0;
                if (how == OverlapOf::tokens) {
                    std::int64_t const num = std::min(x.tokens.size(), y.tokens.size());
                    for (std::int64_t t = 0; t < num; ++t) {
                        for (auto const e : x.tokens.experts_of(row, t)) {
                            for (auto const f : y.tokens.experts_of(row, t))
                                expected += e == f;
                        }
                    }
                    expected /= static_cast<double>(num);
                } else {
                    auto const top = [&](std::vector<double> const& p) {
                        std::set<std::pair<double, int>> order;
                        for (int e = 0; e < experts; ++e)
                            order.emplace(-p[static_cast<std::size_t>(e)], e);
                        return std::set{order.begin()->second, std::next(order.begin())->second};
                    };
                    for (int const e : top(of_layer(x)))
                        expected += top(of_layer(y)).contains(e);
                }
                EXPECT_DOUBLE_EQ(found[i].overlap[static_cast<std::size_t>(row)], expected);
            }
        }
    }
}

TEST(Summaries, AreMeansOverPairsThenLayers) {
    auto const texts = random_texts({5, 9, 3, 7}, 3);
    auto const found = divergences(texts, texts, std::vector<TextPair>{{0, 1}, {1, 2}, {2, 3}}, OverlapOf::vectors);
    std::vector<std::int64_t> const rows = {0, 1, 2};
    auto const draws = resampled_rows(rows, 100, 5);
    auto const all = summaries(found, draws);
    ASSERT_EQ(all.size(), static_cast<std::size_t>(layers + 1));
    double total = 0;
    for (std::size_t row = 0; row < layers; ++row) {
        double const mean = (found[0].js[row] + found[1].js[row] + found[2].js[row]) / 3;
        total += mean;
        EXPECT_NEAR(all[row].js.value, mean, 1e-15);
        EXPECT_LE(all[row].js.interval.low, mean);
        EXPECT_GE(all[row].js.interval.high, mean);
    }
    EXPECT_EQ(all.back().row, DivergenceSummary::all_layers);
    EXPECT_NEAR(all.back().js.value, total / layers, 1e-15);
    std::vector<double> resampled;
    auto const js = js_of_pairs(found);
    for (DrawnRows const& drawn : draws) {
        double sum = 0;
        for (auto const& [row, times] : drawn)
            sum += times * js[static_cast<std::size_t>(row)];
        resampled.push_back(sum / 3);
    }
    Interval const expected = percentile_interval(resampled);
    EXPECT_NEAR(all.back().js.interval.low, expected.low, 1e-15);
    EXPECT_NEAR(all.back().js.interval.high, expected.high, 1e-15);
    Estimate const ratio = ratio_of_means(js, draws, js, draws);
    EXPECT_EQ(ratio.value, 1.0);
    EXPECT_EQ(ratio.interval.low, 1.0);
}

TEST(Summaries, NameDecoderLayersAndLeaveMissingIntervalsEmpty) {
    auto const texts = random_texts({4, 4}, 4);
    auto const found = divergences(texts, texts, std::vector<TextPair>{{0, 1}}, OverlapOf::tokens);
    CsvTable table = new_table("audit");
    add_summaries("topic", found, {}, MoeLayers({1, 3, 5}), table);
    ASSERT_EQ(table.rows.size(), 4u);
    EXPECT_EQ(table.text(1, "layer"), "3");
    EXPECT_EQ(table.text(3, "layer"), "all");
    EXPECT_EQ(table.text(3, "num_pairs"), "1");
    EXPECT_EQ(table.text(0, "js_low"), "");
}

}  // namespace
}  // namespace gatesweep
