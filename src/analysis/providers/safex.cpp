#include "safex.h"

#include <algorithm>

#include "analysis/prompt_maps.h"

namespace gatesweep {
namespace {

// Adds one to every expert among the first `top` of the map.
void count_top(std::vector<double> const& map, std::int64_t top, std::vector<double>& counts) {
    auto const order = order_by_magnitude(map);
    std::size_t const num = std::min(order.size(), static_cast<std::size_t>(top));
    for (std::size_t i = 0; i < num; ++i)
        counts[static_cast<std::size_t>(order[i])] += 1.0;
}

}  // namespace

// The paper takes the experts that are on top of every resample; the share of resamples keeps an order among the
// others. It resamples itself, so that there is no interval.
ProviderScores safex_scores(ProviderContext const& context) {
    NdArray<double> const maps = prompt_maps(SignalKind::activation, context.input);
    std::vector<Draw> const draws = context.resamples.empty() ? std::vector<Draw>{context.measured} : context.resamples;
    std::vector<double> benign(context.num_experts()), malicious(context.num_experts());
    for (Draw const& draw : draws) {
        count_top(mean_of(maps, draw.benign), context.input.parameters.top, benign);
        count_top(mean_of(maps, draw.malicious), context.input.parameters.top, malicious);
    }
    ProviderScores out;
    out.scores = {maps.shape[1], maps.shape[2], difference(malicious, benign)};
    for (double& score : out.scores.values)
        score /= static_cast<double>(draws.size());
    return out;
}

}  // namespace gatesweep
