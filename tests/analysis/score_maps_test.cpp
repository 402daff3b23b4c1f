#include "gatesweep/analysis/score_maps.h"

#include <gtest/gtest.h>

#include <cmath>

#include "analysis/random_input.h"

namespace gatesweep {
namespace {

TEST(ScoreMaps, NormaliseByHand) {
    NdArray<std::int64_t> counts({2, 2, 4});
    counts.values = {1, 2, 3, 4, 0, 0, 0, 10, 5, 5, 0, 0, 0, 0, 0, 0};
    auto const shares = normalise_layers(counts);
    EXPECT_EQ(shares.shape, counts.shape);
    EXPECT_EQ(shares.values, (std::vector<double>{0.1, 0.2, 0.3, 0.4, 0, 0, 0, 1, 0.5, 0.5, 0, 0, 0, 0, 0, 0}));
}

TEST(ScoreMaps, SharesKeepTheIdentitiesOfRouting) {
    std::mt19937_64 random(11);
    for (std::int64_t const top_k : {1, 2, 4}) {
        test::InputSpec spec{6, 8, top_k, test::mixed_groups({{"benign", 7}, {"harmful", 5}}, random)};
        auto const input = test::random_input(spec, random);
        auto const shares = normalise_layers(input.activation_counts);
        for (std::int64_t p = 0; p < 12; ++p) {
            double mass = 0.0;
            for (std::int64_t l = 0; l < 6; ++l) {
                double sum = 0.0;
                for (std::int64_t e = 0; e < 8; ++e) {
                    double const share = shares.at(p, l, e);
                    EXPECT_LE(share, 1.0 / static_cast<double>(top_k));
                    // The frequency with which a token activates the expert is top_k times its share.
                    EXPECT_DOUBLE_EQ(share * static_cast<double>(top_k),
                                     static_cast<double>(input.activation_counts.at(p, l, e)) /
                                         static_cast<double>(input.num_tokens[static_cast<std::size_t>(p)]));
                    sum += share;
                }
                EXPECT_NEAR(sum, 1.0, 1e-14);
                mass += sum;
            }
            EXPECT_NEAR(mass, 6.0, 1e-13);
        }
    }
}

TEST(ScoreMaps, GroupMeanAndStdByHand) {
    NdArray<double> maps({3, 1, 2});
    maps.values = {1, 10, 100, 200, 3, 20};
    std::vector<std::int64_t> const prompts = {0, 2};
    auto const group = group_maps(maps, prompts);
    EXPECT_EQ(group.mean.values, (std::vector<double>{2, 15}));
    EXPECT_EQ(group.std.values, (std::vector<double>{std::sqrt(2.0), std::sqrt(50.0)}));  // divisor n - 1
    std::vector<std::int64_t> const one = {1};
    EXPECT_EQ(group_maps(maps, one).mean.values, (std::vector<double>{100, 200}));
    EXPECT_EQ(group_maps(maps, one).std.values, (std::vector<double>{0, 0}));
}

TEST(ScoreMaps, GroupMeanAndStdAgainstASlowReference) {
    std::mt19937_64 random(12);
    std::uniform_real_distribution<double> unit(0.0, 1.0);
    NdArray<double> maps({40, 3, 5});
    for (double& value : maps.values)
        value = unit(random);
    std::vector<std::int64_t> prompts;
    for (std::int64_t p = 0; p < 40; p += 3)
        prompts.push_back(p);
    auto const group = group_maps(maps, prompts);
    for (std::int64_t l = 0; l < 3; ++l) {
        for (std::int64_t e = 0; e < 5; ++e) {
            long double sum = 0, squares = 0;
            for (auto const p : prompts)
                sum += maps.at(p, l, e);
            long double const mean = sum / prompts.size();
            for (auto const p : prompts)
                squares += (maps.at(p, l, e) - mean) * (maps.at(p, l, e) - mean);
            EXPECT_NEAR(group.mean.view().at(l, e), static_cast<double>(mean), 1e-15);
            EXPECT_NEAR(group.std.view().at(l, e), static_cast<double>(std::sqrt(squares / (prompts.size() - 1))),
                        1e-15);
        }
    }
}

TEST(ScoreMaps, WordsForPeople) {
    EXPECT_EQ(to_string(SignalKind::activation), "activation");
    EXPECT_EQ(to_string(SignalKind::gradient), "gradient");
    std::vector<ExpertId> const experts = {{7, 5}, {12, 1}};
    EXPECT_EQ(to_string(experts), "7:5 12:1");
    EXPECT_EQ(to_string(std::vector<ExpertId>{}), "");
}

}  // namespace
}  // namespace gatesweep
