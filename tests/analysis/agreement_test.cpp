#include "gatesweep/analysis/agreement.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <vector>

namespace gatesweep {
namespace {

// Fleiss, Cohen and Everitt 1969, table 1 of 200 cases; Fleiss, Statistical Methods for Rates and Proportions, table
// 18.1 of 100 patients (0.68, standard error 0.087); SAS/STAT user's guide, FREQ, two dermatologists.
TEST(Kappa, PublishedTables) {
    auto const cases = cohen_kappa(std::array<std::int64_t, 9>{106, 10, 4, 22, 28, 10, 2, 12, 6}, 3);
    EXPECT_NEAR(cases.estimate, 0.429, 5e-4);
    EXPECT_NEAR(cases.standard_error, 0.0537, 5e-5);
    auto const patients = cohen_kappa(std::array<std::int64_t, 9>{75, 1, 4, 5, 4, 1, 0, 0, 10}, 3);
    EXPECT_NEAR(patients.estimate, 0.676, 5e-4);
    EXPECT_NEAR(patients.standard_error, 0.0877, 5e-5);
    auto const skin = cohen_kappa(std::array<std::int64_t, 16>{10, 4, 1, 0, 5, 10, 12, 2, 2, 4, 12, 5, 0, 2, 6, 13}, 4);
    EXPECT_NEAR(skin.estimate, 0.3449, 5e-5);
    EXPECT_NEAR(skin.interval.low, 0.2030, 5e-5);
    EXPECT_NEAR(skin.interval.high, 0.4868, 5e-5);
}

TEST(Kappa, Extremes) {
    auto const perfect = cohen_kappa(std::array<std::int64_t, 4>{30, 0, 0, 70}, 2);
    EXPECT_DOUBLE_EQ(perfect.estimate, 1.0);
    EXPECT_NEAR(perfect.standard_error, 0.0, 1e-9);
    EXPECT_LE(perfect.interval.high, 1.0);
    auto const opposed = cohen_kappa(std::array<std::int64_t, 4>{0, 50, 50, 0}, 2);
    EXPECT_DOUBLE_EQ(opposed.estimate, -1.0);
    auto const chance = cohen_kappa(std::array<std::int64_t, 4>{6, 14, 24, 56}, 2);
    EXPECT_NEAR(chance.estimate, 0.0, 1e-15);
    for (auto const& counts : {std::array<std::int64_t, 4>{0, 0, 0, 0}, std::array<std::int64_t, 4>{40, 0, 0, 0},
                               std::array<std::int64_t, 4>{0, 0, 0, 7}}) {
        auto const undefined = cohen_kappa(counts, 2);
        EXPECT_TRUE(std::isnan(undefined.estimate));
        EXPECT_TRUE(std::isnan(undefined.standard_error));
        EXPECT_EQ(undefined.interval.low, -1.0);
        EXPECT_EQ(undefined.interval.high, 1.0);
    }
}

// The standard error is the spread of kappa over samples of the same table.
TEST(Kappa, StandardErrorIsTheSpreadOverSamples) {
    std::array<std::int64_t, 4> const table = {50, 8, 20, 122};
    auto const expected = cohen_kappa(table, 2);
    std::mt19937_64 random(8);
    double sum = 0.0, squares = 0.0;
    constexpr int num_samples = 4000;
    for (int sample = 0; sample < num_samples; ++sample) {
        std::array<std::int64_t, 4> drawn{};
        for (int i = 0; i < 200; ++i) {
            auto const draw = static_cast<std::int64_t>(random() % 200);
            ++drawn[draw < 50 ? 0 : draw < 58 ? 1 : draw < 78 ? 2 : 3];
        }
        double const kappa = cohen_kappa(drawn, 2).estimate;
        sum += kappa;
        squares += kappa * kappa;
    }
    double const mean = sum / num_samples;
    EXPECT_NEAR(std::sqrt(squares / num_samples - mean * mean), expected.standard_error, 0.003);
}

TEST(Agreement, ByHand) {
    auto const a = agreement({40, 10, 20, 30});
    EXPECT_DOUBLE_EQ(a.precision.estimate, 0.8);
    EXPECT_DOUBLE_EQ(a.recall.estimate, 2.0 / 3.0);
    EXPECT_DOUBLE_EQ(a.specificity.estimate, 0.75);
    EXPECT_DOUBLE_EQ(a.prevalence.estimate, 0.6);
    EXPECT_DOUBLE_EQ(a.predicted_rate.estimate, 0.5);
    EXPECT_DOUBLE_EQ(a.kappa.estimate, 0.4);  // observed 0.7, by chance 0.5
    EXPECT_EQ(a.recall.interval.low, wilson_interval(40, 60).low);
    EXPECT_EQ(a.precision.interval.high, wilson_interval(40, 50).high);
    EXPECT_EQ(a.precision.num_trials, 50);
}

// A phrase list that finds 5 of 76 refusals among 450 replies and names 4 others: recall 0.07, kappa 0.09.
TEST(Agreement, ALabellerThatMissesMost) {
    auto const a = agreement({5, 4, 71, 370});
    EXPECT_NEAR(a.recall.estimate, 0.066, 5e-4);
    EXPECT_NEAR(a.precision.estimate, 0.556, 5e-4);
    EXPECT_NEAR(a.kappa.estimate, 0.085, 5e-4);
}

TEST(Agreement, WithoutAnyPositives) {
    auto const a = agreement({0, 0, 0, 12});
    EXPECT_TRUE(std::isnan(a.precision.estimate));
    EXPECT_TRUE(std::isnan(a.recall.estimate));
    EXPECT_EQ(a.recall.interval.low, 0.0);
    EXPECT_EQ(a.recall.interval.high, 1.0);
    EXPECT_EQ(a.prevalence.estimate, 0.0);
    EXPECT_TRUE(std::isnan(a.kappa.estimate));
    EXPECT_TRUE(std::isnan(agreement({}).prevalence.estimate));
}

}  // namespace
}  // namespace gatesweep
