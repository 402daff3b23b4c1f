#include "gatesweep/analysis/multiplicity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace gatesweep {
namespace {

double const nan_value = std::numeric_limits<double>::quiet_NaN();

// Benjamini and Hochberg 1995, section 4.1: fifteen hypotheses of a study of thrombolysis; four are rejected at 0.05.
TEST(BenjaminiHochberg, PublishedExample) {
    std::vector<double> const p = {0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
                                   0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
    auto const q = benjamini_hochberg(p);
    EXPECT_EQ(std::count_if(q.begin(), q.end(), [](double value) { return value <= 0.05; }), 4);
    EXPECT_NEAR(q[0], 0.0015, 1e-12);
    EXPECT_NEAR(q[1], 0.0030, 1e-12);
    EXPECT_NEAR(q[2], 0.0095, 1e-12);
    EXPECT_NEAR(q[3], 0.035625, 1e-12);
    EXPECT_NEAR(q[4], 0.0603, 1e-12);
    EXPECT_NEAR(q[5], 0.0298 * 15 / 7, 1e-12);  // the seventh's
    EXPECT_NEAR(q[14], 1.0, 1e-12);
}

// q_i = the smallest of m p_j / #{p <= p_j} over the p_j at or above p_i.
std::vector<double> slow_q_values(std::vector<double> const& p) {
    std::vector<double> q;
    for (double const own : p) {
        if (std::isnan(own)) {
            q.push_back(nan_value);
            continue;
        }
        double smallest = 1.0;
        for (double const candidate : p) {
            if (std::isnan(candidate) || candidate < own) continue;
            double all = 0.0, at_or_below = 0.0;
            for (double const other : p) {
                if (std::isnan(other)) continue;
                all += 1.0;
                if (other <= candidate) at_or_below += 1.0;
            }
            smallest = std::min(smallest, candidate * all / at_or_below);
        }
        q.push_back(smallest);
    }
    return q;
}

TEST(BenjaminiHochberg, AgainstASlowReference) {
    std::mt19937_64 random(31);
    for (int round = 0; round < 500; ++round) {
        std::vector<double> p;
        for (std::size_t i = random() % 20; i > 0; --i)
            p.push_back(random() % 6 == 0 ? nan_value : static_cast<double>(random() % 17) / 16.0);
        auto const q = benjamini_hochberg(p);
        auto const expected = slow_q_values(p);
        ASSERT_EQ(q.size(), p.size());
        for (std::size_t i = 0; i < p.size(); ++i) {
            if (std::isnan(p[i])) {
                EXPECT_TRUE(std::isnan(q[i]));
                continue;
            }
            EXPECT_EQ(q[i], expected[i]);
            EXPECT_GE(q[i], p[i]);
            for (std::size_t j = 0; j < p.size(); ++j) {
                if (p[i] <= p[j]) {
                    EXPECT_LE(q[i], q[j]);
                }
            }
        }
    }
}

TEST(BenjaminiHochberg, OneOrNoHypothesis) {
    EXPECT_TRUE(benjamini_hochberg({}).empty());
    EXPECT_EQ(benjamini_hochberg(std::vector{0.03}), std::vector{0.03});
    EXPECT_EQ(benjamini_hochberg(std::vector{nan_value, 0.03})[1], 0.03);
    EXPECT_EQ(benjamini_hochberg(std::vector{1.0, 1.0}), (std::vector{1.0, 1.0}));
}

TEST(EmpiricalP, CountsTheTriedSetAmongItsControls) {
    std::vector<double> const controls = {-0.30, -0.10, -0.02, 0.0, 0.05, 0.05, 0.10, 0.0, -0.01};
    EXPECT_EQ(empirical_p(-0.5, controls), 1.0 / 10.0);
    EXPECT_EQ(empirical_p(-0.1, controls), 3.0 / 10.0);  // a tie is as extreme
    EXPECT_EQ(empirical_p(0.05, controls), 4.0 / 10.0);
    EXPECT_EQ(empirical_p(0.2, controls), 1.0 / 10.0);
    EXPECT_EQ(empirical_p(0.0, controls), 1.0);
}

TEST(EmpiricalP, WhatWasNotMeasuredDoesNotCount) {
    EXPECT_EQ(empirical_p(-0.1, std::vector{nan_value, -0.2, 0.0}), 2.0 / 3.0);
    EXPECT_TRUE(std::isnan(empirical_p(-0.1, std::vector{nan_value})));
    EXPECT_TRUE(std::isnan(empirical_p(-0.1, {})));
    EXPECT_TRUE(std::isnan(empirical_p(nan_value, std::vector{0.1})));
}

}  // namespace
}  // namespace gatesweep
