#include "gatesweep/sweep/random_sets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

namespace gatesweep {
namespace {

constexpr std::array all_matches = {ControlMatch::size, ControlMatch::layers, ControlMatch::traffic};

ScoreMap random_traffic(std::int64_t num_layers, std::int64_t num_experts, std::mt19937_64& random) {
    ScoreMap map{num_layers, num_experts, {}};
    for (std::int64_t i = 0; i < num_layers * num_experts; ++i)
        map.values.push_back(static_cast<double>(random() % 1000) / 1000.0);
    return map;
}

std::vector<ExpertId> any_set(std::int64_t num_layers, std::int64_t num_experts, std::size_t size,
                              std::mt19937_64& random) {
    std::set<ExpertId> out;
    while (out.size() < size) {
        out.insert({static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(num_layers)),
                    static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(num_experts))});
    }
    return {out.begin(), out.end()};
}

std::map<std::int64_t, int> layers_of(std::vector<ExpertId> const& set) {
    std::map<std::int64_t, int> count;
    for (ExpertId const id : set)
        ++count[id.layer];
    return count;
}

std::int64_t num_shared(std::vector<ExpertId> const& a, std::vector<ExpertId> const& b) {
    return std::count_if(a.begin(), a.end(), [&](ExpertId id) { return std::find(b.begin(), b.end(), id) != b.end(); });
}

double mass(std::vector<ExpertId> const& set, ScoreMap const& traffic) {
    double sum = 0.0;
    for (ExpertId const id : set)
        sum += traffic.view().at(id.layer, id.expert);
    return sum;
}

TEST(RandomSet, HasTheShapeOfTheSetAndNoneOfItsExperts) {
    std::mt19937_64 random(1);
    for (int trial = 0; trial < 200; ++trial) {
        auto const traffic = random_traffic(6, 8, random);
        auto set = any_set(6, 8, 1 + random() % 6, random);
        std::shuffle(set.begin(), set.end(), random);  // any order
        for (ControlMatch const match : all_matches) {
            auto const drawn = random_set(set, match, traffic.view(), random());
            ASSERT_EQ(drawn.size(), set.size());
            EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
            EXPECT_EQ(std::set(drawn.begin(), drawn.end()).size(), drawn.size());
            for (ExpertId const id : drawn)
                EXPECT_TRUE(id.layer >= 0 && id.layer < 6 && id.expert >= 0 && id.expert < 8);
            // Up to 6 experts in a layer of 8: only what the others cannot give comes from its own.
            std::int64_t forced = 0;
            if (match != ControlMatch::size) {
                EXPECT_EQ(layers_of(drawn), layers_of(set));
                for (auto const& [layer, count] : layers_of(set))
                    forced += std::max(0, 2 * count - 8);
            }
            EXPECT_EQ(num_shared(drawn, set), forced);
        }
    }
}

TEST(RandomSet, FollowsFromItsSeedAlone) {
    std::mt19937_64 random(2);
    auto const traffic = random_traffic(4, 8, random);
    auto const set = any_set(4, 8, 5, random);
    for (ControlMatch const match : all_matches) {
        std::set<std::vector<ExpertId>> different;
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            auto const drawn = random_set(set, match, traffic.view(), seed);
            EXPECT_EQ(drawn, random_set(set, match, traffic.view(), seed));
            different.insert(drawn);
        }
        EXPECT_GT(different.size(), 10u);
    }
    // The same on every machine and in every release: a stored seed makes its set again.
    std::vector<ExpertId> const two = {{0, 0}, {3, 7}};
    EXPECT_EQ(to_string(random_set(two, ControlMatch::size, traffic.view(), 1)), "1:1 1:4");
    EXPECT_EQ(to_string(random_set(two, ControlMatch::layers, traffic.view(), 1)), "0:3 3:2");
}

TEST(RandomSet, ReachesEverySetEquallyOften) {
    ScoreMap const flat{1, 5, std::vector<double>(5, 0.2)};
    std::vector<ExpertId> const set = {{0, 1}, {0, 3}};
    for (ControlMatch const match : all_matches) {  // of 0 2 4: three pairs
        std::map<std::string, int> times;
        for (std::uint64_t seed = 0; seed < 3000; ++seed)
            ++times[to_string(random_set(set, match, flat.view(), seed))];
        ASSERT_EQ(times.size(), 3u);
        for (auto const& [text, count] : times)
            EXPECT_NEAR(count, 1000, 130) << text;  // five standard deviations
    }
}

TEST(RandomSet, TakesItsOwnExpertsOnlyWhereOthersRunOut) {
    ScoreMap const flat{2, 4, std::vector<double>(8, 0.25)};
    std::vector<ExpertId> const three = {{1, 0}, {1, 1}, {1, 2}};
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        auto const drawn = random_set(three, ControlMatch::layers, flat.view(), seed);
        EXPECT_EQ(drawn.back(), (ExpertId{1, 3}));
        EXPECT_EQ(num_shared(drawn, three), 2);
    }
    std::vector<ExpertId> const all = {{1, 0}, {1, 1}, {1, 2}, {1, 3}};
    EXPECT_EQ(random_set(all, ControlMatch::layers, flat.view(), 1), all);  // there is no other
    EXPECT_EQ(layers_of(random_set(all, ControlMatch::size, flat.view(), 1)), (std::map<std::int64_t, int>{{0, 4}}));
}

TEST(RandomSet, MatchesTheTrafficBetterThanLayersAlone) {
    std::mt19937_64 random(3);
    auto const traffic = random_traffic(8, 8, random);
    auto const set = any_set(8, 8, 6, random);
    double by_layers = 0.0, by_traffic = 0.0;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        double const wanted = mass(set, traffic);
        by_layers += std::abs(mass(random_set(set, ControlMatch::layers, traffic.view(), seed), traffic) - wanted);
        by_traffic += std::abs(mass(random_set(set, ControlMatch::traffic, traffic.view(), seed), traffic) - wanted);
    }
    EXPECT_LT(by_traffic, by_layers / 20.0);
}

TEST(TrafficMap, IsTheMeanOfTheTwoGroups) {
    AnalysisResult result;
    result.num_layers = 1;
    result.num_experts = 2;
    result.signals.resize(signal_kinds.size());
    result.of(SignalKind::activation).classes = {{{0, 0}, 0.25, 0.75, 0.5, 0.5, ExpertClass::shared},
                                                 {{0, 1}, 0.75, 0.25, -0.5, 0.5, ExpertClass::shared}};
    EXPECT_EQ(traffic_map(result).values, (std::vector<double>{0.5, 0.5}));
}

// The same draws, under the names of decoder layers.
TEST(RandomSet, KnowsWhichLayersHaveARouter) {
    std::mt19937_64 random(11);
    ScoreMap const traffic = random_traffic(3, 6, random);
    MoeLayers const moe_layers({1, 4, 5});
    std::vector<ExpertId> const set = {{0, 2}, {1, 0}, {1, 5}, {2, 3}};
    auto const named = [&](std::vector<ExpertId> ids) {
        for (ExpertId& id : ids)
            id.layer = moe_layers.layer(id.layer);
        return ids;
    };
    for (ControlMatch const match : {ControlMatch::size, ControlMatch::layers, ControlMatch::traffic}) {
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            EXPECT_EQ(random_set(named(set), match, traffic.view(), seed, moe_layers),
                      named(random_set(set, match, traffic.view(), seed)));
        }
    }
}

}  // namespace
}  // namespace gatesweep
