#include "gatesweep/analysis/layer_metrics.h"

#include <algorithm>
#include <cmath>

namespace gatesweep {
namespace {

LayerMetrics metrics_of(std::span<double const> scores) {
    LayerMetrics metrics;
    double sum = 0.0;
    for (double const score : scores)
        sum += score;
    if (!(sum > 0.0)) return metrics;
    double second = 0.0;
    for (std::size_t e = 0; e < scores.size(); ++e) {
        double const score = scores[e];
        if (score > metrics.dominant) {
            second = metrics.dominant;
            metrics.dominant = score;
            metrics.dominant_expert = static_cast<std::int64_t>(e);
        } else {
            second = std::max(second, score);
        }
        if (!(score > 0.0)) continue;
        double const share = score / sum;
        metrics.entropy -= share * std::log(share);
        metrics.active_experts += 1.0;
    }
    metrics.top2_sum = metrics.dominant / sum + second / sum;
    metrics.effective_experts = std::exp(metrics.entropy);
    return metrics;
}

BlockSummary summarise(std::string_view block, std::span<LayerMetrics const> layers, std::size_t first) {
    BlockSummary summary{block, static_cast<std::int64_t>(first), static_cast<std::int64_t>(layers.size()) - 1};
    auto const count = static_cast<double>(layers.size() - first);
    for (std::size_t l = first; l < layers.size(); ++l) {
        LayerMetrics const& layer = layers[l];
        summary.mean_dominant += layer.dominant / count;
        summary.mean_top2_sum += layer.top2_sum / count;
        summary.mean_entropy += layer.entropy / count;
        summary.mean_effective_experts += layer.effective_experts / count;
        summary.mean_active_experts += layer.active_experts / count;
        if (l == first || layer.dominant > summary.max_dominant) {
            summary.max_dominant = layer.dominant;
            summary.argmax_layer = static_cast<std::int64_t>(l);
        }
        if (l == first || layer.effective_experts < summary.min_effective_experts) {
            summary.min_effective_experts = layer.effective_experts;
        }
    }
    return summary;
}

}  // namespace

std::string_view to_string(Aggregator aggregator) {
    return aggregator == Aggregator::mean_of_prompts ? "mean_of_prompts" : "of_mean_map";
}

std::vector<LayerMetrics> layer_metrics(MapView map) {
    std::vector<LayerMetrics> layers;
    for (std::int64_t l = 0; l < map.num_layers; ++l)
        layers.push_back(metrics_of(map.layer(l)));
    return layers;
}

std::vector<LayerMetrics> mean_layer_metrics(NdArray<double> const& maps, std::span<std::int64_t const> prompts,
                                             MapView mean_map) {
    std::vector<LayerMetrics> means(static_cast<std::size_t>(mean_map.num_layers));
    for (std::int64_t const prompt : prompts) {
        auto const layers = layer_metrics(prompt_map(maps, prompt));
        for (std::size_t l = 0; l < means.size(); ++l) {
            means[l].dominant += layers[l].dominant;
            means[l].top2_sum += layers[l].top2_sum;
            means[l].entropy += layers[l].entropy;
            means[l].effective_experts += layers[l].effective_experts;
            means[l].active_experts += layers[l].active_experts;
        }
    }
    auto const count = static_cast<double>(prompts.size());
    for (std::size_t l = 0; l < means.size(); ++l) {
        means[l].dominant /= count;
        means[l].top2_sum /= count;
        means[l].entropy /= count;
        means[l].effective_experts /= count;
        means[l].active_experts /= count;
        means[l].dominant_expert = metrics_of(mean_map.layer(static_cast<std::int64_t>(l))).dominant_expert;
    }
    return means;
}

std::vector<BlockSummary> summarise_blocks(std::span<LayerMetrics const> layers) {
    if (layers.empty()) return {};
    std::size_t const num_late = std::max<std::size_t>(1, layers.size() / 4);
    return {summarise("all", layers, 0), summarise("late", layers, layers.size() - num_late)};
}

}  // namespace gatesweep
