// Against ranks counted one by one, and values worked out by hand.
#include "gatesweep/analysis/rank_correlation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace gatesweep {
namespace {

using Values = std::vector<double>;

double counted_rank(Values const& values, double value) {
    double below = 0, equal = 0;
    for (double other : values) {
        below += other < value;
        equal += other == value;
    }
    return below + (equal + 1) / 2;
}

double reference(Values const& x, Values const& y) {
    double const n = static_cast<double>(x.size()), middle = (n + 1) / 2;
    double xy = 0, xx = 0, yy = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        double const a = counted_rank(x, x[i]) - middle, b = counted_rank(y, y[i]) - middle;
        xy += a * b;
        xx += a * a;
        yy += b * b;
    }
    return xy / std::sqrt(xx * yy);
}

TEST(RankCorrelation, IsThatOfRanksCountedOneByOne) {
    std::mt19937_64 random(3);
    for (int round = 0; round < 50; ++round) {
        Values x, y;
        for (int i = 0; i < 40; ++i) {
            x.push_back(static_cast<double>(random() % 12));  // many ties
            y.push_back(static_cast<double>(random() % 1000));
        }
        EXPECT_NEAR(rank_correlation(x, y), reference(x, y), 1e-12);
    }
}

TEST(RankCorrelation, KnowsOrderAlone) {
    EXPECT_DOUBLE_EQ(rank_correlation(Values{1, 2, 3, 4}, Values{1, 10, 100, 1e9}), 1.0);
    EXPECT_DOUBLE_EQ(rank_correlation(Values{1, 2, 3}, Values{3, 2, 1}), -1.0);
    EXPECT_DOUBLE_EQ(rank_correlation(Values{1, 2, 3, 4}, Values{1, 3, 2, 4}), 0.8);
}

TEST(RankCorrelation, LeavesOutWhatIsNoNumber) {
    double const nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_DOUBLE_EQ(rank_correlation(Values{1, nan, 2, 3}, Values{1, 5, 2, 3}), 1.0);
    EXPECT_TRUE(std::isnan(rank_correlation(Values{1, 2}, Values{1, 2})));
    EXPECT_TRUE(std::isnan(rank_correlation(Values{1, 1, 1}, Values{1, 2, 3})));
}

// Every pair looked at.
double counted_tau(Values const& x, Values const& y) {
    double score = 0, not_tied_x = 0, not_tied_y = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        for (std::size_t j = i + 1; j < x.size(); ++j) {
            auto const sign = [](double d) { return d > 0 ? 1.0 : d < 0 ? -1.0 : 0.0; };
            score += sign(x[i] - x[j]) * sign(y[i] - y[j]);
            not_tied_x += x[i] != x[j];
            not_tied_y += y[i] != y[j];
        }
    }
    return score / std::sqrt(not_tied_x * not_tied_y);
}

TEST(KendallTau, IsThatOfPairsCountedOneByOne) {
    std::mt19937_64 random(4);
    for (int round = 0; round < 60; ++round) {
        Values x, y;
        for (int i = 0; i < 3 + round; ++i) {
            x.push_back(static_cast<double>(random() % (round % 3 == 0 ? 5 : 1000)));
            y.push_back(static_cast<double>(random() % (round % 2 == 0 ? 4 : 1000)));
        }
        if (std::isnan(kendall_tau(x, y))) continue;  // all equal
        EXPECT_NEAR(kendall_tau(x, y), counted_tau(x, y), 1e-12);
    }
    EXPECT_DOUBLE_EQ(kendall_tau(Values{1, 2, 3, 4}, Values{1, 3, 2, 4}), 4.0 / 6.0);
    EXPECT_TRUE(std::isnan(kendall_tau(Values{1, 1, 1}, Values{1, 2, 3})));
}

}  // namespace
}  // namespace gatesweep
