#include "gatesweep/analysis/layer_metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/random_input.h"

namespace gatesweep {
namespace {

LayerMetrics metrics_of(std::vector<double> scores) {
    ScoreMap const map{1, std::ssize(scores), scores};
    return layer_metrics(map.view())[0];
}

TEST(LayerMetrics, ByHand) {
    auto const m = metrics_of({0.25, 0.5, 0.25, 0.0});
    EXPECT_EQ(m.dominant_expert, 1);
    EXPECT_EQ(m.dominant, 0.5);
    EXPECT_EQ(m.top2_sum, 0.75);
    EXPECT_NEAR(m.entropy, 1.5 * std::log(2.0), 1e-15);
    EXPECT_NEAR(m.effective_experts, std::pow(2.0, 1.5), 1e-14);
    EXPECT_EQ(m.active_experts, 3);
}

TEST(LayerMetrics, ScoresAreNormalisedForAllButTheDominant) {
    auto const m = metrics_of({2e-5, 4e-5, 2e-5, 0.0});
    EXPECT_EQ(m.dominant, 4e-5);
    EXPECT_DOUBLE_EQ(m.top2_sum, 0.75);
    EXPECT_NEAR(m.effective_experts, std::pow(2.0, 1.5), 1e-14);
}

TEST(LayerMetrics, Extremes) {
    auto const uniform = metrics_of(std::vector<double>(8, 0.125));
    EXPECT_NEAR(uniform.effective_experts, 8.0, 1e-13);
    EXPECT_EQ(uniform.dominant_expert, 0);  // the lowest of equals
    EXPECT_EQ(uniform.top2_sum, 0.25);
    auto const single = metrics_of({0, 0, 1, 0});
    EXPECT_EQ(single.entropy, 0.0);
    EXPECT_EQ(single.effective_experts, 1.0);
    EXPECT_EQ(single.top2_sum, 1.0);
    EXPECT_EQ(single.active_experts, 1);
    auto const empty = metrics_of({0, 0, 0, 0});
    EXPECT_EQ(empty.effective_experts, 0.0);
    EXPECT_EQ(empty.active_experts, 0.0);
    EXPECT_EQ(empty.dominant, 0.0);
    EXPECT_EQ(metrics_of({0.7}).top2_sum, 1.0);  // a layer of one expert
}

// Dominant and top-2 by sorting, the entropy as ln S - (1/S) sum s ln s in long double.
TEST(LayerMetrics, AgainstASlowReference) {
    std::mt19937_64 random(31);
    std::exponential_distribution<double> draw;
    for (int trial = 0; trial < 500; ++trial) {
        std::vector<double> scores(1 + random() % 12);
        for (double& score : scores)
            score = random() % 4 == 0 ? 0.0 : draw(random) * 1e-4;
        if (*std::max_element(scores.begin(), scores.end()) == 0.0) continue;
        auto const m = metrics_of(scores);
        long double const sum = std::accumulate(scores.begin(), scores.end(), 0.0L);
        long double weighted = 0.0L;
        for (double const score : scores) {
            if (score > 0.0) weighted += static_cast<long double>(score) * std::log(static_cast<long double>(score));
        }
        long double const entropy = std::log(sum) - weighted / sum;
        auto sorted = scores;
        std::sort(sorted.rbegin(), sorted.rend());
        sorted.push_back(0.0);
        EXPECT_EQ(m.dominant, sorted[0]);
        EXPECT_EQ(m.dominant_expert, std::find(scores.begin(), scores.end(), sorted[0]) - scores.begin());
        EXPECT_NEAR(m.top2_sum, static_cast<double>((sorted[0] + sorted[1]) / sum), 1e-14);
        EXPECT_NEAR(m.entropy, static_cast<double>(entropy), 1e-13);
        EXPECT_NEAR(m.effective_experts, static_cast<double>(std::exp(entropy)), 1e-12);
        EXPECT_EQ(m.active_experts, std::count_if(scores.begin(), scores.end(), [](double s) { return s > 0.0; }));
    }
}

// A token's routing weights sum to a constant, so the gradients of its experts' gates cancel: no expert holds more than
// half of a layer's absolute gradient, and at least two are effective.
TEST(LayerMetrics, CancellingGradientsGiveAtLeastTwoEffectiveExperts) {
    std::mt19937_64 random(32);
    std::normal_distribution<double> normal;
    for (int trial = 0; trial < 300; ++trial) {
        constexpr int dim = 16;
        std::vector<std::vector<double>> gradient(8, std::vector<double>(dim, 0.0));
        for (std::uint64_t t = 1 + random() % 5; t > 0; --t) {
            std::size_t const i = random() % 8, j = (i + 1 + random() % 7) % 8;
            double const delta = normal(random);
            for (int c = 0; c < dim; ++c) {
                double const x = normal(random);
                gradient[i][static_cast<std::size_t>(c)] += delta * x;
                gradient[j][static_cast<std::size_t>(c)] -= delta * x;
            }
        }
        std::vector<double> scores;
        for (auto const& row : gradient) {
            double sum = 0.0;
            for (double const value : row)
                sum += std::abs(value);
            scores.push_back(sum / dim);
        }
        auto const m = metrics_of(scores);
        double const total = std::accumulate(scores.begin(), scores.end(), 0.0);
        EXPECT_LE(m.dominant / total, 0.5 + 1e-12);
        EXPECT_GE(m.effective_experts, 2.0 - 1e-12);
        EXPECT_GE(m.active_experts, 2.0);
    }
}

TEST(LayerMetrics, MeanOverPromptsIsNotOfTheMeanMap) {
    NdArray<double> maps({2, 1, 2});
    maps.values = {1.0, 0.0, 0.2, 0.8};
    std::vector<std::int64_t> const prompts = {0, 1};
    auto const mean_map = group_maps(maps, prompts).mean;
    auto const of_prompts = mean_layer_metrics(maps, prompts, mean_map.view())[0];
    auto const of_mean = layer_metrics(mean_map.view())[0];
    EXPECT_DOUBLE_EQ(of_prompts.dominant, 0.9);
    EXPECT_DOUBLE_EQ(of_mean.dominant, 0.6);
    EXPECT_DOUBLE_EQ(of_prompts.active_experts, 1.5);
    EXPECT_EQ(of_mean.active_experts, 2);
    EXPECT_EQ(of_prompts.dominant_expert, 0);  // of the mean map
    double const entropy = -0.2 * std::log(0.2) - 0.8 * std::log(0.8);
    EXPECT_NEAR(of_prompts.entropy, entropy / 2, 1e-15);
    EXPECT_NEAR(of_prompts.effective_experts, (1.0 + std::exp(entropy)) / 2, 1e-15);
    EXPECT_DOUBLE_EQ(of_prompts.top2_sum, 1.0);
}

TEST(LayerMetrics, MeanOfMaximaIsNeverBelowTheMaximumOfTheMean) {
    std::mt19937_64 random(33);
    auto const input = test::random_input({5, 8, 2, test::mixed_groups({{"a", 9}}, random)}, random);
    std::vector<std::int64_t> prompts(9);
    std::iota(prompts.begin(), prompts.end(), std::int64_t{0});
    auto const shares = normalise_layers(input.activation_counts);
    for (auto const& maps : {shares, input.gradient_scores}) {
        auto const mean_map = group_maps(maps, prompts).mean;
        auto const of_prompts = mean_layer_metrics(maps, prompts, mean_map.view());
        auto const of_mean = layer_metrics(mean_map.view());
        for (std::size_t l = 0; l < 5; ++l)
            EXPECT_GE(of_prompts[l].dominant, of_mean[l].dominant * (1 - 1e-14));
    }
    // Entropy is concave: averaging maps of equal mass can only flatten them.
    auto const mean_map = group_maps(shares, prompts).mean;
    auto const of_prompts = mean_layer_metrics(shares, prompts, mean_map.view());
    auto const of_mean = layer_metrics(mean_map.view());
    for (std::size_t l = 0; l < 5; ++l)
        EXPECT_LE(of_prompts[l].entropy, of_mean[l].entropy + 1e-14);
}

TEST(BlockSummary, AllAndTheLastQuarter) {
    std::vector<LayerMetrics> layers(32);
    for (std::size_t l = 0; l < 32; ++l) {
        layers[l].dominant = l == 10 ? 100.0 : static_cast<double>(l);
        layers[l].top2_sum = 2.0 * static_cast<double>(l);
        layers[l].entropy = 0.5;
        layers[l].effective_experts = 40.0 - static_cast<double>(l);
        layers[l].active_experts = l < 24 ? 8.0 : 6.0;
    }
    auto const blocks = summarise_blocks(layers);
    ASSERT_EQ(blocks.size(), 2u);
    EXPECT_EQ(blocks[0].block, "all");
    EXPECT_EQ(blocks[0].first_layer, 0);
    EXPECT_EQ(blocks[0].last_layer, 31);
    EXPECT_NEAR(blocks[0].mean_dominant, (31.0 * 32 / 2 - 10 + 100) / 32, 1e-12);
    EXPECT_EQ(blocks[0].max_dominant, 100.0);
    EXPECT_EQ(blocks[0].argmax_layer, 10);
    EXPECT_EQ(blocks[0].min_effective_experts, 9.0);
    EXPECT_NEAR(blocks[0].mean_active_experts, 7.5, 1e-12);
    EXPECT_EQ(blocks[1].block, "late");
    EXPECT_EQ(blocks[1].first_layer, 24);
    EXPECT_EQ(blocks[1].last_layer, 31);
    EXPECT_NEAR(blocks[1].mean_dominant, 27.5, 1e-12);
    EXPECT_NEAR(blocks[1].mean_top2_sum, 55.0, 1e-12);
    EXPECT_NEAR(blocks[1].mean_entropy, 0.5, 1e-15);
    EXPECT_NEAR(blocks[1].mean_effective_experts, 12.5, 1e-12);
    EXPECT_EQ(blocks[1].argmax_layer, 31);
    for (auto const& [num_layers, first_late] : {std::pair{1, 0}, {2, 1}, {3, 2}, {4, 3}, {7, 6}, {8, 6}, {33, 25}}) {
        EXPECT_EQ(summarise_blocks(std::vector<LayerMetrics>(static_cast<std::size_t>(num_layers)))[1].first_layer,
                  first_late);
    }
}

}  // namespace
}  // namespace gatesweep
