// How concentrated a layer's scores are. After arXiv 2605.24270, layer-wise tables.
//
// A group's metrics are formed in two ways, because they differ: the maximum of a mean is not the mean of maxima.
// The paper's layer tables are means over prompts, its rankings are of the mean map.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "gatesweep/analysis/score_maps.h"

namespace gatesweep {

enum class Aggregator { mean_of_prompts, of_mean_map };
std::string_view to_string(Aggregator aggregator);

// p_e = score_e / sum over the layer. A layer of zeros has no mass to describe: everything is 0.
struct LayerMetrics {
    std::int64_t dominant_expert = 0;  // the largest score, the lowest id of equals
    double dominant = 0.0;             // that score as it is: a share for activation, raw for gradients
    double top2_sum = 0.0;             // sum of the two largest p
    double entropy = 0.0;              // -sum p ln p, in nats, 0 ln 0 = 0
    double effective_experts = 0.0;    // exp(entropy)
    double active_experts = 0.0;       // number of scores > 0
};

std::vector<LayerMetrics> layer_metrics(MapView map);  // [L]

// Of `prompts` (rows of maps [P, L, E]): every number is the mean over them. The dominant expert has no mean: it is
// that of `mean_map`, the mean over the same prompts.
std::vector<LayerMetrics> mean_layer_metrics(NdArray<double> const& maps, std::span<std::int64_t const> prompts,
                                             MapView mean_map);

// A run of layers in one row.
struct BlockSummary {
    std::string_view block;  // "all", or "late": the last quarter of the layers, rounded down, at least one
    std::int64_t first_layer = 0;
    std::int64_t last_layer = 0;  // inclusive
    double mean_dominant = 0.0;
    double max_dominant = 0.0;
    std::int64_t argmax_layer = 0;  // where it is, the first of equals
    double mean_top2_sum = 0.0;
    double mean_entropy = 0.0;
    double mean_effective_experts = 0.0;
    double min_effective_experts = 0.0;
    double mean_active_experts = 0.0;
};
std::vector<BlockSummary> summarise_blocks(std::span<LayerMetrics const> layers);  // all, late

}  // namespace gatesweep
