#include "gatesweep/analysis/power.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gatesweep {
namespace {

TEST(NormalQuantile, KnownValues) {
    EXPECT_NEAR(normal_quantile(0.975), z_95, 1e-12);
    EXPECT_NEAR(normal_quantile(0.8), 0.8416212335729143, 1e-12);
    EXPECT_NEAR(normal_quantile(0.9), 1.2815515655446004, 1e-12);
    EXPECT_NEAR(normal_quantile(0.5), 0.0, 1e-15);
    EXPECT_NEAR(normal_quantile(1e-12), -7.034483825301131, 1e-9);
    for (double const p : {1e-9, 0.01, 0.3, 0.49})
        EXPECT_NEAR(normal_quantile(p), -normal_quantile(1.0 - p), 1e-6);
}

TEST(Power, PairsForTheEffectsOfInterest) {
    EXPECT_EQ(pairs_needed(0.10, 0.26), 202);
    EXPECT_EQ(pairs_needed(-0.10, 0.26), 202);
    EXPECT_EQ(pairs_needed(0.05, 0.15), 469);
    EXPECT_EQ(pairs_needed(0.03, 0.10), 870);
}

// Connor 1987 writes n = (z_a sqrt(psi) + z_b sqrt(psi - delta^2))^2 / delta^2.
TEST(Power, ByTheFormula) {
    for (double const discordant : {0.05, 0.2, 0.6, 1.0}) {
        for (double const share : {0.1, 0.5, 0.9}) {
            double const difference = share * discordant;
            double const root = 1.959963984540054 * std::sqrt(discordant) +
                                1.2815515655446004 * std::sqrt(discordant - difference * difference);
            auto const pairs = pairs_needed(difference, discordant, 0.9);
            EXPECT_EQ(pairs, static_cast<std::int64_t>(std::ceil(root * root / (difference * difference))));
        }
    }
}

TEST(Power, ThatManyPairsAreJustEnough) {
    for (double const discordant : {0.05, 0.2, 0.6, 1.0}) {
        for (double const share : {0.05, 0.5, 0.95, 1.0}) {
            for (double const power : {0.5, 0.8, 0.95}) {
                auto const pairs = pairs_needed(share * discordant, discordant, power);
                ASSERT_TRUE(pairs.has_value());
                EXPECT_GE(power_of_test(*pairs, share * discordant, discordant), power - 1e-12);
                if (*pairs > 1) {
                    EXPECT_LT(power_of_test(*pairs - 1, share * discordant, discordant), power);
                }
            }
        }
    }
}

// The power of McNemar's test by its distribution: the number of discordant pairs is binomial, and so is their split.
double summed_power(int num_pairs, double difference, double discordant) {
    double const worse = 0.5 * (1.0 + difference / discordant);
    double power = 0.0;
    for (int m = 1; m <= num_pairs; ++m) {
        double const num_discordant =
            std::exp(std::lgamma(num_pairs + 1.0) - std::lgamma(m + 1.0) - std::lgamma(num_pairs - m + 1.0) +
                     m * std::log(discordant) + (num_pairs - m) * std::log1p(-discordant));
        if (num_discordant < 1e-12) continue;
        for (int b = 0; b <= m; ++b) {
            if (2 * b - m < z_95 * std::sqrt(m)) continue;
            power += num_discordant * std::exp(std::lgamma(m + 1.0) - std::lgamma(b + 1.0) - std::lgamma(m - b + 1.0) +
                                               b * std::log(worse) + (m - b) * std::log1p(-worse));
        }
    }
    return power;
}

TEST(Power, MatchesTheTestItself) {
    EXPECT_NEAR(summed_power(202, 0.10, 0.26), 0.8, 0.02);
    EXPECT_NEAR(summed_power(469, 0.05, 0.15), 0.8, 0.02);
    for (int const num_pairs : {50, 100, 150, 300})
        EXPECT_NEAR(power_of_test(num_pairs, 0.10, 0.26), summed_power(num_pairs, 0.10, 0.26), 0.03) << num_pairs;
}

TEST(Power, ImpossibleQuestionsHaveNoAnswer) {
    double const nan = std::numeric_limits<double>::quiet_NaN();
    for (auto const& [difference, discordant] :
         {std::pair{0.0, 0.2}, {0.3, 0.2}, {-0.3, 0.2}, {0.1, 1.5}, {0.1, nan}, {nan, 0.2}, {1e-12, 0.5}})
        EXPECT_FALSE(pairs_needed(difference, discordant).has_value()) << difference << ' ' << discordant;
    EXPECT_FALSE(pairs_needed(0.1, 0.2, 1.0).has_value());
    EXPECT_FALSE(pairs_needed(0.1, 0.2, 0.0).has_value());
    EXPECT_FALSE(pairs_needed(0.1, 0.2, nan).has_value());
    EXPECT_TRUE(std::isnan(power_of_test(100, 0.3, 0.2)));
    EXPECT_TRUE(std::isnan(power_of_test(-1, 0.1, 0.2)));
    EXPECT_NEAR(power_of_test(1000000, 0.0, 0.2), 0.025, 1e-6);
    EXPECT_EQ(pairs_needed(1.0, 1.0), 4);
    EXPECT_EQ(power_of_test(3, 1.0, 1.0), 0.0);
    EXPECT_EQ(power_of_test(4, 1.0, 1.0), 1.0);
    EXPECT_EQ(pairs_needed(0.5, 0.5, 1e-9), 1);
}

}  // namespace
}  // namespace gatesweep
