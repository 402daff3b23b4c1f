// A rate without the labeller's error: known values, and what the interval covers.
#include "gatesweep/analysis/prevalence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace gatesweep {
namespace {

LabelCounts counts(std::int64_t tp, std::int64_t fp, std::int64_t fn, std::int64_t tn) {
    return {tp, fp, fn, tn};
}

TEST(CorrectedRate, IsRoganAndGladens) {
    // 30 % called refusals; recall 0.8, specificity 0.9: (0.3 - 0.1) / 0.7.
    auto const rate = corrected_rate(30, 100, counts(80, 10, 20, 90));
    ASSERT_TRUE(rate);
    EXPECT_NEAR(rate->estimate, 0.2 / 0.7, 1e-12);
    EXPECT_LT(rate->interval.low, rate->estimate);
    EXPECT_GT(rate->interval.high, rate->estimate);
}

TEST(CorrectedRate, IsTheRateItselfWhereTheLabellerNeverErrs) {
    for (std::int64_t const positive : {0, 1, 37, 100}) {
        auto const rate = corrected_rate(positive, 100, counts(10'000'000, 0, 0, 10'000'000));
        ASSERT_TRUE(rate);
        EXPECT_NEAR(rate->estimate, static_cast<double>(positive) / 100.0, 1e-12);
        // Then the interval is Agresti and Coull's.
        double const z2 = z_95 * z_95, n = 100 + z2, p = (static_cast<double>(positive) + z2 / 2) / n;
        EXPECT_NEAR(rate->interval.high, std::min(1.0, p + z_95 * std::sqrt(p * (1 - p) / n)), 1e-5);
    }
}

TEST(CorrectedRate, StaysWithinZeroAndOne) {
    auto const none = corrected_rate(0, 50, counts(30, 10, 20, 40)),
               all = corrected_rate(50, 50, counts(30, 10, 20, 40));
    ASSERT_TRUE(none && all);
    EXPECT_EQ(none->estimate, 0.0);
    EXPECT_EQ(none->interval.low, 0.0);
    EXPECT_EQ(all->estimate, 1.0);
    EXPECT_EQ(all->interval.high, 1.0);
}

TEST(CorrectedRate, IsNotThereWhereNothingCanBeSaid) {
    EXPECT_FALSE(corrected_rate(0, 0, counts(8, 1, 2, 9)));
    EXPECT_FALSE(corrected_rate(3, 10, counts(0, 1, 0, 9))) << "no refusal among the texts that people labelled";
    EXPECT_FALSE(corrected_rate(3, 10, counts(8, 0, 2, 0))) << "nothing but refusals";
    EXPECT_FALSE(corrected_rate(3, 10, counts(5, 5, 5, 5))) << "no better than chance";
    EXPECT_FALSE(corrected_rate(3, 10, counts(2, 8, 8, 2)));
}

TEST(CorrectedRate, LeavesWhatPeopleLabelledAsItIs) {
    LabelCounts const validation = counts(80, 10, 20, 90);
    auto const all_people = corrected_rate(0, 0, 6, 10, validation);
    ASSERT_TRUE(all_people);
    EXPECT_EQ(all_people->estimate, 0.6);
    EXPECT_EQ(all_people->interval.low, wilson_interval(6, 10).low);
    auto const none = corrected_rate(30, 100, 0, 0, validation);
    ASSERT_TRUE(none);
    EXPECT_EQ(none->estimate, corrected_rate(30, 100, validation)->estimate);
    auto const half = corrected_rate(30, 100, 60, 100, validation);
    ASSERT_TRUE(half);
    EXPECT_NEAR(half->estimate, (0.2 / 0.7 + 0.6) / 2, 1e-12);
}

// Texts and validation files drawn with a known error: how often the interval holds the true rate.
double coverage(double rate, double recall, double specificity, int num, int num_refusals, int num_others,
                int num_draws) {
    std::mt19937_64 random(17);
    double const called = rate * recall + (1 - rate) * (1 - specificity);
    std::binomial_distribution<int> texts(num, called), found(num_refusals, recall), left(num_others, specificity);
    int covered = 0;
    for (int i = 0; i < num_draws; ++i) {
        int const tp = found(random), tn = left(random);
        auto const corrected = corrected_rate(texts(random), num, counts(tp, num_others - tn, num_refusals - tp, tn));
        covered += corrected && corrected->interval.low <= rate && rate <= corrected->interval.high;
    }
    return static_cast<double>(covered) / num_draws;
}

TEST(CorrectedRate, CoversTheTruthAsOftenAsItSays) {
    struct Case {
        double rate, recall, specificity;
        int num, num_refusals, num_others;
    };
    // A labeller like the phrase rules of the README, one like a judge; a hundred prompts and XSTest's size.
    for (Case const& c : {Case{0.36, 0.70, 0.95, 100, 60, 120},
                          {0.36, 0.90, 0.97, 100, 100, 100},
                          {0.60, 0.70, 0.95, 200, 80, 160},
                          {0.85, 0.90, 0.90, 200, 100, 100},
                          {0.20, 0.80, 0.95, 450, 150, 300},
                          {0.50, 0.60, 0.85, 100, 50, 50}}) {
        double const covered = coverage(c.rate, c.recall, c.specificity, c.num, c.num_refusals, c.num_others, 20'000);
        RecordProperty("coverage", std::to_string(covered));
        EXPECT_GE(covered, 0.93) << c.rate << ' ' << c.recall << ' ' << c.specificity << ' ' << c.num;
        EXPECT_LE(covered, 0.97) << c.rate << ' ' << c.recall << ' ' << c.specificity << ' ' << c.num;
    }
}

}  // namespace
}  // namespace gatesweep
