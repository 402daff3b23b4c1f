#include "gatesweep/analysis/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <vector>

namespace gatesweep {
namespace {

// Newcombe, Stat. Med. 17:857, 1998, table I, method 3.
TEST(Wilson, PublishedLimits) {
    struct Case {
        std::int64_t successes, trials;
        double low, high;
    };
    for (auto const& c : {Case{81, 263, 0.2553, 0.3662}, Case{15, 148, 0.0624, 0.1605}, Case{0, 20, 0.0, 0.1611},
                          Case{1, 29, 0.0061, 0.1718}}) {
        auto const interval = wilson_interval(c.successes, c.trials);
        EXPECT_NEAR(interval.low, c.low, 5e-5) << c.successes;
        EXPECT_NEAR(interval.high, c.high, 5e-5) << c.successes;
    }
}

// The limits are the rates whose own standard error puts the observed rate z away.
TEST(Wilson, SolvesTheScoreEquation) {
    for (double const z : {1.0, z_95, 2.6}) {
        for (std::int64_t n = 1; n <= 60; ++n) {
            for (std::int64_t k = 0; k <= n; ++k) {
                auto const interval = wilson_interval(k, n, z);
                double const rate = static_cast<double>(k) / static_cast<double>(n);
                EXPECT_LE(0.0, interval.low);
                EXPECT_LE(interval.low, rate);
                EXPECT_LE(rate, interval.high);
                EXPECT_LE(interval.high, 1.0);
                for (double const limit : {interval.low, interval.high}) {
                    double const error = std::sqrt(limit * (1.0 - limit) / static_cast<double>(n));
                    EXPECT_NEAR(std::abs(limit - rate), z * error, 1e-12) << k << " of " << n;
                }
                auto const mirrored = wilson_interval(n - k, n, z);
                EXPECT_NEAR(mirrored.low, 1.0 - interval.high, 1e-15);
            }
        }
    }
}

TEST(Wilson, EndsAreExactAndNothingIsUnknown) {
    for (std::int64_t n = 1; n <= 3000; ++n) {
        EXPECT_EQ(wilson_interval(0, n).low, 0.0);
        EXPECT_EQ(wilson_interval(n, n).high, 1.0);
    }
    EXPECT_EQ(wilson_interval(0, 0).low, 0.0);
    EXPECT_EQ(wilson_interval(0, 0).high, 1.0);
}

// The routing paper's two interventions (arXiv 2605.24270), and Fagerland et al. 2013, table 1 (Bentur et al.).
TEST(McNemar, PublishedCases) {
    auto const activation = mcnemar_test(18, 8);
    EXPECT_NEAR(activation.exact, 0.0755, 5e-5);
    EXPECT_NEAR(activation.mid, 0.0522, 5e-5);
    auto const gradient = mcnemar_test(15, 3);
    EXPECT_EQ(gradient.exact, 988.0 * 2.0 / 262144.0);  // 2 (1 + 18 + 153 + 816) / 2^18
    EXPECT_NEAR(gradient.mid, 0.0044, 5e-5);
    auto const airways = mcnemar_test(1, 7);
    EXPECT_EQ(airways.exact, 0.0703125);
    EXPECT_EQ(airways.mid, 0.0390625);
}

TEST(McNemar, EqualCountsShowNothing) {
    for (std::int64_t const n : {0, 1, 2, 50, 100000000}) {
        EXPECT_EQ(mcnemar_test(n, n).exact, 1.0);
        EXPECT_EQ(mcnemar_test(n, n).mid, 1.0);
    }
    EXPECT_EQ(mcnemar_test(0, 1).exact, 1.0);
    EXPECT_EQ(mcnemar_test(0, 1).mid, 0.5);
    EXPECT_EQ(mcnemar_test(60, 61).exact, 1.0);
}

// Pascal's triangle of probabilities: every step halves and adds, exact in long double for as long as it has digits.
std::vector<long double> fair_binomial_row(std::size_t n) {
    std::vector<long double> row = {1.0L};
    for (std::size_t i = 0; i < n; ++i) {
        std::vector<long double> next(row.size() + 1, 0.0L);
        for (std::size_t k = 0; k < row.size(); ++k) {
            next[k] += row[k] / 2;
            next[k + 1] += row[k] / 2;
        }
        row = std::move(next);
    }
    return row;
}

TEST(McNemar, AgainstSummedBinomials) {
    for (std::size_t const n : {1u, 2u, 3u, 7u, 16u, 17u, 31u, 64u, 201u, 1000u, 1001u, 3000u}) {
        auto const row = fair_binomial_row(n);
        for (std::size_t b = 0; b <= n; ++b) {
            std::size_t const fewer = std::min(b, n - b);
            long double tail = 0.0L;
            for (std::size_t k = 0; k <= fewer; ++k)
                tail += row[k];
            auto const exact = static_cast<double>(std::min(1.0L, 2 * tail));
            auto const mid = static_cast<double>(2 * fewer == n ? 1.0L : 2 * tail - row[fewer]);
            auto const test = mcnemar_test(static_cast<std::int64_t>(b), static_cast<std::int64_t>(n - b));
            EXPECT_NEAR(test.exact, exact, 1e-11 * exact + 1e-300) << b << " of " << n;
            EXPECT_NEAR(test.mid, mid, 1e-11 * mid + 1e-300) << b << " of " << n;
            auto const swapped = mcnemar_test(static_cast<std::int64_t>(n - b), static_cast<std::int64_t>(b));
            EXPECT_EQ(swapped.exact, test.exact);
            EXPECT_LE(test.exact, 1.0);
            EXPECT_LE(test.mid, test.exact);
        }
    }
}

// The normal limit, with and without continuity correction, in reasonable time.
TEST(McNemar, LargeCountsAreFastAndAccurate) {
    auto const start = std::chrono::steady_clock::now();
    for (double const standard_deviations : {0.5, 1.0, 2.0, 4.0, 6.0}) {
        std::int64_t const n = 1000000000;
        auto const fewer = static_cast<std::int64_t>(0.5e9 - 0.5 * standard_deviations * std::sqrt(1e9));
        auto const test = mcnemar_test(fewer, n - fewer);
        double const z = static_cast<double>(n - 2 * fewer) / std::sqrt(1e9);
        double const normal = std::erfc(z / std::sqrt(2.0));
        EXPECT_NEAR(test.mid, normal, 1e-6 * normal) << z;
        EXPECT_GT(test.exact, test.mid);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
    EXPECT_EQ(mcnemar_test(0, 1000000000).exact, 0.0);  // below the smallest double
}

struct PairedCase {
    PairedCounts pairs;  // both, only first, only second, neither
    double estimate, low, high;
};

// Here as first minus second, as they were published.
void expect_published(PairedCase const& c) {
    auto const swapped = PairedCounts{c.pairs.both, c.pairs.only_second, c.pairs.only_first, c.pairs.neither};
    auto const difference = paired_difference(swapped);
    EXPECT_NEAR(difference.estimate, c.estimate, 5e-5) << c.pairs.both;
    EXPECT_NEAR(difference.interval.low, c.low, 5e-5) << c.pairs.both;
    EXPECT_NEAR(difference.interval.high, c.high, 5e-5) << c.pairs.both;
}

TEST(PairedDifference, PublishedIntervals) {
    // Newcombe, Stat. Med. 17:2635, 1998, method 10.
    expect_published({{20, 12, 2, 16}, 0.2, 0.0562, 0.3292});
    expect_published({{36, 12, 2, 0}, 0.2, 0.0569, 0.3404});
    // Fagerland, Lydersen and Laake, Statistical Analysis of Contingency Tables, 2017, chapter 8: airways (Bentur et
    // al.) and complete response (Cavo et al.).
    expect_published({{1, 1, 7, 12}, -0.2857, -0.5069, -0.0256});
    expect_published({{59, 6, 16, 80}, -0.0621, -0.1186, -0.0046});
}

// The routing paper, restricted before and after suppression: 24 -> 14 and 34 -> 22 of 100.
TEST(PairedDifference, ThePapersInterventions) {
    auto const activation = paired_difference({6, 18, 8, 68});
    EXPECT_DOUBLE_EQ(activation.estimate, -0.10);
    EXPECT_NEAR(activation.interval.low, -0.200, 5e-4);
    EXPECT_NEAR(activation.interval.high, 0.001, 5e-4);
    auto const gradient = paired_difference({19, 15, 3, 63});
    EXPECT_DOUBLE_EQ(gradient.estimate, -0.12);
    EXPECT_NEAR(gradient.interval.low, -0.202, 5e-4);
    EXPECT_NEAR(gradient.interval.high, -0.037, 5e-4);
}

TEST(PairedDifference, DegenerateTables) {
    auto const nothing = paired_difference({});
    EXPECT_TRUE(std::isnan(nothing.estimate));
    EXPECT_EQ(nothing.interval.low, -1.0);
    EXPECT_EQ(nothing.interval.high, 1.0);
    // All pairs equal: no difference, and as much open as 20 trials leave (Wilson for 0 of 20).
    for (auto const& pairs : {PairedCounts{20, 0, 0, 0}, PairedCounts{0, 0, 0, 20}}) {
        auto const same = paired_difference(pairs);
        EXPECT_EQ(same.estimate, 0.0);
        EXPECT_NEAR(same.interval.high, 0.1611, 5e-5);
        EXPECT_NEAR(same.interval.low, -0.1611, 5e-5);
    }
    // All pairs change: the end is reached and not crossed.
    auto const all = paired_difference({0, 20, 0, 0});
    EXPECT_EQ(all.estimate, -1.0);
    EXPECT_EQ(all.interval.low, -1.0);
    EXPECT_NEAR(all.interval.high, -1.0 + std::sqrt(2.0) * 0.1611, 1e-4);
    auto const one = paired_difference({0, 0, 1, 0});
    EXPECT_EQ(one.estimate, 1.0);
    EXPECT_EQ(one.interval.high, 1.0);
    EXPECT_LT(one.interval.low, 0.0);
}

TEST(PairedDifference, EveryTableHasAnOrderedMirroredInterval) {
    for (std::int64_t n = 1; n <= 14; ++n) {
        for (std::int64_t both = 0; both <= n; ++both) {
            for (std::int64_t first = 0; both + first <= n; ++first) {
                for (std::int64_t second = 0; both + first + second <= n; ++second) {
                    std::int64_t const neither = n - both - first - second;
                    auto const d = paired_difference({both, first, second, neither});
                    ASSERT_LE(-1.0, d.interval.low);
                    ASSERT_LT(d.interval.low, d.interval.high);
                    ASSERT_LE(d.interval.low, d.estimate);
                    ASSERT_LE(d.estimate, d.interval.high);
                    ASSERT_LE(d.interval.high, 1.0);
                    auto const swapped = paired_difference({both, second, first, neither});
                    ASSERT_NEAR(swapped.interval.low, -d.interval.high, 1e-14);
                    auto const negated = paired_difference({neither, second, first, both});
                    ASSERT_NEAR(negated.interval.low, -d.interval.high, 1e-14);
                }
            }
        }
    }
}

// Of samples from one table of probabilities, about 95 % of the intervals hold the true difference.
TEST(PairedDifference, CoversTheTruth) {
    std::mt19937_64 random(5);
    int num_covered = 0;
    constexpr int num_samples = 4000;
    for (int sample = 0; sample < num_samples; ++sample) {
        PairedCounts pairs;
        for (int i = 0; i < 60; ++i) {
            auto const draw = random() % 100;  // 15 both, 30 only first, 10 only second
            ++(draw < 15 ? pairs.both : draw < 45 ? pairs.only_first : draw < 55 ? pairs.only_second : pairs.neither);
        }
        auto const interval = paired_difference(pairs).interval;
        if (interval.low <= -0.2 && -0.2 <= interval.high) ++num_covered;
    }
    double const coverage = num_covered / static_cast<double>(num_samples);
    EXPECT_GT(coverage, 0.935);
    EXPECT_LT(coverage, 0.970);
}

}  // namespace
}  // namespace gatesweep
