#include "gatesweep/analysis/classification.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace gatesweep {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST(Classification, EveryBranch) {
    Thresholds const thresholds{0.25, 0.5};
    struct Case {
        double benign, malicious;
        ExpertClass label;
    };
    for (Case const& c : std::vector<Case>{
             {0.25, 0.75, ExpertClass::malicious_dominant},
             {0.25, 0.5, ExpertClass::malicious_dominant},  // both limits are inclusive
             {0.0, 0.375, ExpertClass::weak_malicious},
             {0.75, 0.25, ExpertClass::benign_dominant},
             {0.5, 0.25, ExpertClass::benign_dominant},
             {0.375, 0.0, ExpertClass::weak_benign},
             {0.5, 0.5, ExpertClass::shared},
             {0.0, 0.0, ExpertClass::shared},
             {0.5, 0.6875, ExpertClass::shared},
             {0.6875, 0.5, ExpertClass::shared},
             {nan, 0.5, ExpertClass::uncertain},
             {0.5, nan, ExpertClass::uncertain},
             {nan, nan, ExpertClass::uncertain},
         }) {
        EXPECT_EQ(classify(c.benign, c.malicious, thresholds), c.label) << c.benign << ' ' << c.malicious;
    }
}

TEST(Classification, NamesOfThePaper) {
    std::vector<std::string> names;
    for (auto const label : all_expert_classes)
        names.emplace_back(to_string(label));
    EXPECT_EQ(names, (std::vector<std::string>{"malicious-dominant", "weak-malicious", "benign-dominant", "weak-benign",
                                               "shared", "uncertain"}));
    for (std::size_t i = 0; i < all_expert_classes.size(); ++i)
        EXPECT_EQ(static_cast<std::size_t>(all_expert_classes[i]), i);
}

// The paper's structure: 216 shared, 22 benign-dominant, 18 malicious-dominant of 256, weak classes empty.
TEST(Classification, CountsAMapMadeLikeThePapers) {
    Thresholds const thresholds{0.05, 0.08};
    ScoreMap benign{32, 8, std::vector<double>(256, 0.125)};
    ScoreMap malicious = benign;
    for (std::size_t i = 0; i < 22; ++i)
        benign.values[i * 11] = 0.2;
    for (std::size_t i = 0; i < 18; ++i)
        malicious.values[i * 11 + 5] = 0.2;
    auto const experts = classify_experts(benign.view(), malicious.view(), thresholds);
    ASSERT_EQ(experts.size(), 256u);
    EXPECT_EQ(count_classes(experts), (ClassCounts{18, 0, 22, 0, 216, 0}));
    EXPECT_EQ(experts[0].id, (ExpertId{0, 0}));
    EXPECT_EQ(experts[0].label, ExpertClass::benign_dominant);
    EXPECT_DOUBLE_EQ(experts[0].gap, -0.075);
    EXPECT_DOUBLE_EQ(experts[0].abs_gap, 0.075);
    EXPECT_EQ(experts[255].id, (ExpertId{31, 7}));
}

// Written as the table of conditions, on exact binary fractions.
TEST(Classification, AgainstASlowReference) {
    std::mt19937_64 random(41);
    auto const draw = [&] { return static_cast<double>(random() % 33) / 64.0; };
    for (int trial = 0; trial < 200; ++trial) {
        ScoreMap benign{4, 8, {}}, malicious{4, 8, {}};
        for (int i = 0; i < 32; ++i) {
            benign.values.push_back(random() % 50 == 0 ? nan : draw());
            malicious.values.push_back(draw());
        }
        Thresholds const thresholds{draw() + 1.0 / 64, draw()};
        auto const experts = classify_experts(benign.view(), malicious.view(), thresholds);
        ClassCounts expected{};
        for (std::size_t i = 0; i < 32; ++i) {
            double const b = benign.values[i], m = malicious.values[i];
            bool const up = m - b >= thresholds.gap, down = b - m >= thresholds.gap;
            bool const conditions[6] = {up && m >= thresholds.min,      up && m < thresholds.min,
                                        down && b >= thresholds.min,    down && b < thresholds.min,
                                        !std::isnan(b) && !up && !down, std::isnan(b)};
            int num_true = 0;
            for (std::size_t c = 0; c < 6; ++c) {
                if (!conditions[c]) continue;
                ++num_true;
                ++expected[c];
                EXPECT_EQ(experts[i].label, all_expert_classes[c]);
            }
            EXPECT_EQ(num_true, 1);
        }
        EXPECT_EQ(count_classes(experts), expected);
    }
}

TEST(Classification, GapsOfALayerSumToZero) {
    ScoreMap const benign{1, 4, {0.1, 0.2, 0.3, 0.4}};
    ScoreMap const malicious{1, 4, {0.25, 0.25, 0.4, 0.1}};
    double sum = 0.0;
    for (auto const& expert : classify_experts(benign.view(), malicious.view(), {0.05, 0.08}))
        sum += expert.gap;
    EXPECT_NEAR(sum, 0.0, 1e-15);
}

TEST(ThresholdSensitivity, WiderGapsShareMore) {
    ScoreMap const benign{1, 4, {0.0, 0.0, 0.0, 0.0}};
    ScoreMap const malicious{1, 4, {0.03, 0.05, 0.08, 0.2}};
    auto const rows = threshold_sensitivity(benign.view(), malicious.view(), {0.04, 0.06});
    ASSERT_EQ(rows.size(), 4u);
    std::vector<double> gaps;
    std::vector<std::int64_t> shared, weak, dominant;
    for (auto const& row : rows) {
        gaps.push_back(row.thresholds.gap);
        EXPECT_EQ(row.thresholds.min, 0.06);
        dominant.push_back(row.counts[0]);
        weak.push_back(row.counts[1]);
        shared.push_back(row.counts[4]);
    }
    EXPECT_EQ(gaps, (std::vector<double>{0.02, 0.04, 0.06, 0.08}));
    EXPECT_EQ(dominant, (std::vector<std::int64_t>{2, 2, 2, 2}));
    EXPECT_EQ(weak, (std::vector<std::int64_t>{2, 1, 0, 0}));
    EXPECT_EQ(shared, (std::vector<std::int64_t>{0, 1, 2, 2}));
}

}  // namespace
}  // namespace gatesweep
