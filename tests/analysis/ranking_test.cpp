#include "gatesweep/analysis/ranking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

namespace gatesweep {
namespace {

ScoreMap map_of(std::int64_t num_layers, std::int64_t num_experts, std::vector<double> values) {
    return {num_layers, num_experts, std::move(values)};
}

Coverage coverage_of(std::vector<double> values, std::vector<double> const& levels = {0.8, 0.9, 0.95}) {
    auto const map = map_of(1, std::ssize(values), values);
    return coverage(rank_experts(map.view()), levels);
}

TEST(Ranking, ByHand) {
    auto const map = map_of(2, 2, {0.1, 0.4, 0.2, 0.3});
    auto const ranking = rank_experts(map.view());
    ASSERT_EQ(ranking.size(), 4u);
    EXPECT_EQ(ranking[0].id, (ExpertId{0, 1}));
    EXPECT_EQ(ranking[1].id, (ExpertId{1, 1}));
    EXPECT_EQ(ranking[2].id, (ExpertId{1, 0}));
    EXPECT_EQ(ranking[3].id, (ExpertId{0, 0}));
    EXPECT_DOUBLE_EQ(ranking[1].cumulative_score, 0.7);
    EXPECT_DOUBLE_EQ(ranking[1].cumulative_fraction, 0.7);
    EXPECT_EQ(ranking[3].cumulative_fraction, 1.0);
}

TEST(Ranking, EqualScoresGoByLayerThenExpert) {
    auto const map = map_of(3, 3, {1, 2, 1, 2, 1, 2, 1, 1, 2});
    std::vector<ExpertId> order;
    for (auto const& ranked : rank_experts(map.view()))
        order.push_back(ranked.id);
    EXPECT_EQ(order, (std::vector<ExpertId>{{0, 1}, {1, 0}, {1, 2}, {2, 2}, {0, 0}, {0, 2}, {1, 1}, {2, 0}, {2, 1}}));
}

// Selection of the largest, one after another.
TEST(Ranking, AgainstASlowReference) {
    std::mt19937_64 random(21);
    for (int trial = 0; trial < 200; ++trial) {
        ScoreMap const map = [&] {
            auto const layers = static_cast<std::int64_t>(1 + random() % 6),
                       experts = static_cast<std::int64_t>(1 + random() % 9);
            ScoreMap m{layers, experts, {}};
            for (std::int64_t i = 0; i < layers * experts; ++i)
                m.values.push_back(static_cast<double>(random() % 7) / 8.0);
            return m;
        }();
        auto const ranking = rank_experts(map.view());
        ASSERT_EQ(ranking.size(), map.values.size());
        std::set<ExpertId> left;
        for (std::int64_t l = 0; l < map.num_layers; ++l) {
            for (std::int64_t e = 0; e < map.num_experts; ++e)
                left.insert({l, e});
        }
        double const total = std::accumulate(map.values.begin(), map.values.end(), 0.0);  // eighths: exact
        double cumulative = 0.0;
        for (auto const& ranked : ranking) {
            ExpertId best = *left.begin();
            for (ExpertId const id : left) {
                if (map.view().at(id.layer, id.expert) > map.view().at(best.layer, best.expert)) best = id;
            }
            left.erase(best);
            cumulative += map.view().at(best.layer, best.expert);
            EXPECT_EQ(ranked.id, best);
            EXPECT_EQ(ranked.score, map.view().at(best.layer, best.expert));
            EXPECT_EQ(ranked.cumulative_score, cumulative);
            EXPECT_EQ(ranked.cumulative_fraction, total > 0.0 ? cumulative / total : 0.0);
        }
        EXPECT_TRUE(left.empty());
    }
}

TEST(Coverage, ByHand) {
    auto const c = coverage_of({0.5, 0.3, 0.1, 0.06, 0.03, 0.01});
    EXPECT_EQ(c.k, (std::vector<double>{2, 3, 4}));
    EXPECT_EQ(c.k_elbow, 1);  // drops .2 .2 .04 ...: the first of equals
    EXPECT_EQ(c.top1, 0.5);
    EXPECT_DOUBLE_EQ(c.top5, 0.99);
    EXPECT_EQ(coverage_of({0.1, 0.5, 0.45, 0.4}).k_elbow, 3);
    EXPECT_EQ(coverage_of({7.0}).k, (std::vector<double>{1, 1, 1}));
    EXPECT_EQ(coverage_of({7.0}).k_elbow, 0);  // nothing lies below it
    EXPECT_EQ(coverage_of({7.0}).top5, 7.0);
    EXPECT_EQ(coverage_of({3.0, 3.0, 3.0}).k_elbow, 1);
    EXPECT_EQ(coverage_of({1, 1, 1, 1}, {1.0, 0.5, 0.51, 1e-9}).k, (std::vector<double>{4, 2, 3, 1}));
}

TEST(Coverage, AMapOfZerosHasNothingToCover) {
    auto const c = coverage_of({0, 0, 0});
    EXPECT_EQ(c.k, (std::vector<double>{0, 0, 0}));
    EXPECT_EQ(c.k_elbow, 0);
    EXPECT_EQ(c.top1, 0);
    EXPECT_EQ(c.top5, 0);
}

TEST(Coverage, UniformMapsNeedTheirExactShare) {
    for (std::int64_t size = 1; size <= 400; ++size) {
        auto const c = coverage_of(std::vector<double>(static_cast<std::size_t>(size), 0.1), {0.8, 0.9, 0.95});
        EXPECT_EQ(c.k[0], static_cast<double>((8 * size + 9) / 10)) << size;
        EXPECT_EQ(c.k[1], static_cast<double>((9 * size + 9) / 10)) << size;
        EXPECT_EQ(c.k[2], static_cast<double>((95 * size + 99) / 100)) << size;
    }
}

// Shares of counts, as prompts of few tokens give them, with the rank found in whole numbers.
TEST(Coverage, IsExactForSharesOfCounts) {
    std::mt19937_64 random(22);
    for (int trial = 0; trial < 2000; ++trial) {
        std::int64_t const num_tokens = 1 + static_cast<std::int64_t>(random() % 20);
        std::vector<std::int64_t> counts;
        ScoreMap map{4, 8, {}};
        for (int l = 0; l < 4; ++l) {
            std::vector<std::int64_t> layer(8, 0);
            for (std::int64_t i = 0; i < 2 * num_tokens; ++i)
                ++layer[random() % 8];
            counts.insert(counts.end(), layer.begin(), layer.end());
            for (auto const count : layer)
                map.values.push_back(static_cast<double>(count) / static_cast<double>(2 * num_tokens));
        }
        std::sort(counts.rbegin(), counts.rend());
        auto const c = coverage(rank_experts(map.view()), std::vector<double>{0.8, 0.9, 0.95});
        std::int64_t const total = 4 * 2 * num_tokens;
        for (auto const& [index, percent] : {std::pair{0, 80}, {1, 90}, {2, 95}}) {
            std::int64_t sum = 0, k = 0;
            while (100 * sum < percent * total)
                sum += counts[static_cast<std::size_t>(k++)];
            EXPECT_EQ(c.k[static_cast<std::size_t>(index)], static_cast<double>(k));
        }
        std::int64_t elbow = 1, largest = -1;
        for (std::int64_t i = 0; i + 1 < 32; ++i) {
            std::int64_t const drop = counts[static_cast<std::size_t>(i)] - counts[static_cast<std::size_t>(i + 1)];
            if (drop > largest) largest = drop, elbow = i + 1;
        }
        EXPECT_EQ(c.k_elbow, static_cast<double>(elbow));
    }
}

TEST(Coverage, GrowsWithTheLevelAndReachesIt) {
    std::mt19937_64 random(23);
    std::exponential_distribution<double> scores;
    for (int trial = 0; trial < 200; ++trial) {
        ScoreMap map{8, 8, {}};
        for (int i = 0; i < 64; ++i)
            map.values.push_back(scores(random));
        auto const ranking = rank_experts(map.view());
        auto const c = coverage(ranking, std::vector<double>{0.8, 0.9, 0.95});
        double below = 0.0;
        for (std::size_t i = 0; i < 3; ++i) {
            double const level = std::vector{0.8, 0.9, 0.95}[i];
            auto const k = static_cast<std::size_t>(c.k[i]);
            EXPECT_GE(ranking[k - 1].cumulative_fraction, level);
            if (k > 1) {
                EXPECT_LT(ranking[k - 2].cumulative_fraction, level);
            }
            EXPECT_GE(c.k[i], below);
            below = c.k[i];
        }
    }
}

TEST(Coverage, MeanIsOfEachNumber) {
    std::vector<Coverage> const two = {{{2, 4}, 1, 0.5, 0.9}, {{3, 6}, 2, 0.25, 0.8}};
    auto const mean = mean_coverage(two);
    EXPECT_EQ(mean.k, (std::vector<double>{2.5, 5}));
    EXPECT_EQ(mean.k_elbow, 1.5);
    EXPECT_EQ(mean.top1, 0.375);
    EXPECT_DOUBLE_EQ(mean.top5, 0.85);
}

TEST(TopOverlap, ByHandAndClamped) {
    auto const a = map_of(2, 2, {4, 3, 2, 1});
    auto const b = map_of(2, 2, {1, 3, 4, 2});
    auto const ranking_a = rank_experts(a.view());
    auto const ranking_b = rank_experts(b.view());
    EXPECT_EQ(top_overlap(ranking_a, ranking_b, 1), (std::vector<ExpertId>{}));
    EXPECT_EQ(top_overlap(ranking_a, ranking_b, 2), (std::vector<ExpertId>{{0, 1}}));
    EXPECT_EQ(top_overlap(ranking_a, ranking_b, 3), (std::vector<ExpertId>{{0, 1}, {1, 0}}));
    EXPECT_EQ(top_overlap(ranking_a, ranking_b, 99).size(), 4u);
    EXPECT_EQ(top_experts(ranking_a, 2), (std::vector<ExpertId>{{0, 0}, {0, 1}}));
}

}  // namespace
}  // namespace gatesweep
