#include "gatesweep/analysis/score_maps.h"

#include <cmath>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

template <class T>
NdArray<double> normalise(NdArray<T> const& maps) {
    NdArray<double> shares(maps.shape);
    auto const num_experts = static_cast<std::size_t>(maps.shape[2]);
    for (std::size_t row = 0; row + num_experts <= maps.values.size() && num_experts > 0; row += num_experts) {
        T sum{};
        for (std::size_t e = 0; e < num_experts; ++e)
            sum += maps.values[row + e];
        if (!(sum > T{})) continue;
        for (std::size_t e = 0; e < num_experts; ++e) {
            shares.values[row + e] = static_cast<double>(maps.values[row + e]) / static_cast<double>(sum);
        }
    }
    return shares;
}

}  // namespace

MapView prompt_map(NdArray<double> const& maps, std::int64_t prompt) {
    auto const size = static_cast<std::size_t>(maps.shape[1] * maps.shape[2]);
    return {maps.shape[1], maps.shape[2],
            std::span(maps.values).subspan(static_cast<std::size_t>(prompt) * size, size)};
}

NdArray<double> normalise_layers(NdArray<std::int64_t> const& counts) {
    return normalise(counts);
}

NdArray<double> normalise_layers(NdArray<double> const& scores) {
    return normalise(scores);
}

GroupMaps group_maps(NdArray<double> const& maps, std::span<std::int64_t const> prompts) {
    GATESWEEP_EXPECT(!prompts.empty());
    auto const size = static_cast<std::size_t>(maps.shape[1] * maps.shape[2]);
    auto const count = static_cast<double>(prompts.size());
    ScoreMap const zero{maps.shape[1], maps.shape[2], std::vector<double>(size)};
    GroupMaps group{zero, zero};
    for (std::int64_t const prompt : prompts) {
        MapView const map = prompt_map(maps, prompt);
        for (std::size_t i = 0; i < size; ++i)
            group.mean.values[i] += map.values[i];
    }
    for (double& mean : group.mean.values)
        mean /= count;
    if (prompts.size() < 2) return group;
    for (std::int64_t const prompt : prompts) {
        MapView const map = prompt_map(maps, prompt);
        for (std::size_t i = 0; i < size; ++i) {
            double const deviation = map.values[i] - group.mean.values[i];
            group.std.values[i] += deviation * deviation;
        }
    }
    for (double& std : group.std.values)
        std = std::sqrt(std / (count - 1.0));
    return group;
}

}  // namespace gatesweep
