#include "gatesweep/sweep/random_sets.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "gatesweep/base/error.h"
#include "gatesweep/base/uniform.h"

namespace gatesweep {
namespace {

constexpr double max_draws = 256.0;

// Experts to draw from: `count` of `others`, or all of them and the rest of `own`.
struct Pool {
    std::vector<ExpertId> others;
    std::vector<ExpertId> own;
    std::size_t count = 0;
};

std::vector<Pool> pools_of(std::span<ExpertId const> set, ControlMatch match, MapView shape,
                           MoeLayers const& moe_layers, DrawFrom from) {
    std::vector<ExpertId> sorted(set.begin(), set.end());
    std::sort(sorted.begin(), sorted.end());
    std::vector<Pool> pools(match == ControlMatch::size ? 1 : static_cast<std::size_t>(shape.num_layers));
    for (std::int64_t l = 0; l < shape.num_layers; ++l) {
        Pool& pool = match == ControlMatch::size ? pools.front() : pools[static_cast<std::size_t>(l)];
        for (std::int64_t e = 0; e < shape.num_experts; ++e) {
            ExpertId const id{moe_layers.layer(l), e};
            bool const own = std::binary_search(sorted.begin(), sorted.end(), id);
            (own && from == DrawFrom::others_first ? pool.own : pool.others).push_back(id);
            pool.count += own ? 1 : 0;
        }
    }
    return pools;
}

// Fisher-Yates, as far as needed.
void draw(std::vector<ExpertId> const& pool, std::size_t count, std::mt19937_64& random, std::vector<ExpertId>& out) {
    if (count == 0) return;
    std::vector<ExpertId> from = pool;
    for (std::size_t i = 0; i < count; ++i) {
        std::swap(from[i], from[i + uniform_below(from.size() - i, random)]);
        out.push_back(from[i]);
    }
}

std::vector<ExpertId> draw_set(std::vector<Pool> const& pools, std::mt19937_64& random) {
    std::vector<ExpertId> out;
    for (Pool const& pool : pools) {
        std::size_t const fresh = std::min(pool.count, pool.others.size());
        draw(pool.others, fresh, random, out);
        draw(pool.own, pool.count - fresh, random, out);
    }
    std::sort(out.begin(), out.end());
    return out;
}

// How many sets draw_set can give; a double, since it overflows anything else.
double num_sets(std::vector<Pool> const& pools) {
    double total = 1.0;
    for (Pool const& pool : pools) {
        std::size_t const fresh = std::min(pool.count, pool.others.size());
        std::vector<ExpertId> const& from = fresh == pool.count ? pool.others : pool.own;
        std::size_t const chosen = fresh == pool.count ? pool.count : pool.count - fresh;
        for (std::size_t i = 0; i < chosen; ++i)
            total *= static_cast<double>(from.size() - i) / static_cast<double>(i + 1);
    }
    return total;
}

double traffic_of(std::span<ExpertId const> set, MapView traffic, MoeLayers const& moe_layers) {
    double sum = 0.0;
    for (ExpertId const id : set)
        sum += traffic.at(moe_layers.row(id.layer), id.expert);
    return sum;
}

}  // namespace

ScoreMap traffic_map(AnalysisResult const& result) {
    ScoreMap map{result.num_layers, result.num_experts, {}};
    for (auto const& expert : result.of(SignalKind::activation).classes)
        map.values.push_back((expert.benign + expert.malicious) / 2.0);
    return map;
}

std::vector<ExpertId> random_set(std::span<ExpertId const> set, ControlMatch match, MapView traffic, std::uint64_t seed,
                                 MoeLayers const& moe_layers, DrawFrom from) {
    auto const pools = pools_of(set, match, traffic, moe_layers, from);
    std::mt19937_64 random(seed);
    std::vector<ExpertId> best = draw_set(pools, random);
    if (match != ControlMatch::traffic) return best;
    double const wanted = traffic_of(set, traffic, moe_layers);
    auto const num_draws = static_cast<int>(std::clamp(num_sets(pools) / 100.0, 1.0, max_draws));
    for (int i = 1; i < num_draws; ++i) {
        auto const tried = draw_set(pools, random);
        double const nearer = std::abs(traffic_of(best, traffic, moe_layers) - wanted) -
                              std::abs(traffic_of(tried, traffic, moe_layers) - wanted);
        if (nearer > 0.0) best = tried;
    }
    return best;
}

}  // namespace gatesweep
