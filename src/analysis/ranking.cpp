#include "gatesweep/analysis/ranking.h"

#include <algorithm>
#include <iterator>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

constexpr double rounding = 1e-12;

std::size_t clamped(std::span<RankedExpert const> ranking, std::int64_t count) {
    return std::min(ranking.size(), static_cast<std::size_t>(std::max<std::int64_t>(count, 0)));
}

}  // namespace

std::vector<RankedExpert> rank_experts(MapView map, MoeLayers const& moe_layers) {
    std::vector<RankedExpert> ranking;
    ranking.reserve(map.values.size());
    for (std::int64_t l = 0; l < map.num_layers; ++l) {
        for (std::int64_t e = 0; e < map.num_experts; ++e)
            ranking.push_back({{moe_layers.layer(l), e}, map.at(l, e)});
    }
    std::stable_sort(ranking.begin(), ranking.end(), [](auto const& a, auto const& b) { return a.score > b.score; });
    double sum = 0.0;
    for (auto& ranked : ranking)
        ranked.cumulative_score = sum += ranked.score;
    if (!(sum > 0.0)) return ranking;
    for (auto& ranked : ranking)
        ranked.cumulative_fraction = ranked.cumulative_score / sum;
    return ranking;
}

std::vector<ExpertId> top_experts(std::span<RankedExpert const> ranking, std::int64_t num_top) {
    std::vector<ExpertId> top;
    for (auto const& ranked : ranking.first(clamped(ranking, num_top)))
        top.push_back(ranked.id);
    std::sort(top.begin(), top.end());
    return top;
}

std::vector<ExpertId> top_overlap(std::span<RankedExpert const> a, std::span<RankedExpert const> b,
                                  std::int64_t num_top) {
    auto const top_a = top_experts(a, num_top);
    auto const top_b = top_experts(b, num_top);
    std::vector<ExpertId> common;
    std::set_intersection(top_a.begin(), top_a.end(), top_b.begin(), top_b.end(), std::back_inserter(common));
    return common;
}

Coverage coverage(std::span<RankedExpert const> ranking, std::span<double const> levels) {
    Coverage result{std::vector<double>(levels.size(), 0.0)};
    if (ranking.empty() || !(ranking.back().cumulative_score > 0.0)) return result;
    for (std::size_t i = 0; i < levels.size(); ++i) {
        auto const reached = std::find_if(ranking.begin(), ranking.end(), [&](auto const& ranked) {
            return ranked.cumulative_fraction >= levels[i] - rounding;
        });
        result.k[i] = static_cast<double>(std::min<std::ptrdiff_t>(reached - ranking.begin() + 1, std::ssize(ranking)));
    }
    double largest_drop = 0.0;
    for (std::size_t i = 0; i + 1 < ranking.size(); ++i) {
        double const drop = ranking[i].score - ranking[i + 1].score;
        if (i == 0 || drop > largest_drop + rounding * ranking.front().score) {
            largest_drop = drop;
            result.k_elbow = static_cast<double>(i + 1);
        }
    }
    result.top1 = ranking.front().score;
    result.top5 = ranking[clamped(ranking, 5) - 1].cumulative_score;
    return result;
}

Coverage mean_coverage(std::span<Coverage const> coverages) {
    if (coverages.empty()) return {};
    auto const count = static_cast<double>(coverages.size());
    Coverage mean{std::vector<double>(coverages.front().k.size(), 0.0)};
    for (auto const& one : coverages) {
        GATESWEEP_EXPECT(one.k.size() == mean.k.size());
        for (std::size_t i = 0; i < mean.k.size(); ++i)
            mean.k[i] += one.k[i];
        mean.k_elbow += one.k_elbow;
        mean.top1 += one.top1;
        mean.top5 += one.top5;
    }
    for (double& k : mean.k)
        k /= count;
    mean.k_elbow /= count;
    mean.top1 /= count;
    mean.top5 /= count;
    return mean;
}

}  // namespace gatesweep
