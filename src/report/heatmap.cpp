#include "heatmap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace gatesweep {
namespace {

constexpr double max_decades = 1e4;
constexpr double saturation_quantile = 0.98;

double share_beyond(std::vector<double> const& values, double low, double high) {
    auto const beyond = std::count_if(values.begin(), values.end(), [&](double v) { return v < low || v > high; });
    return values.empty() ? 0.0 : static_cast<double>(beyond) / static_cast<double>(values.size());
}

}  // namespace

std::optional<double> ColourScale::position(double value) const {
    if (!std::isfinite(value)) return std::nullopt;
    if (kind == ScaleKind::linear) return std::clamp((value - low) / (high - low), 0.0, 1.0);
    if (value <= 0.0) return std::nullopt;
    return std::clamp(std::log(value / low) / std::log(high / low), 0.0, 1.0);
}

ColourScale group_scale(RunView const& run, std::string_view signal) {
    std::vector<double> values;
    for (auto const& map : run.maps) {
        if (map.signal == signal)
            std::copy_if(map.mean.begin(), map.mean.end(), std::back_inserter(values),
                         [](double v) { return std::isfinite(v) && v > 0.0; });
    }
    ColourScale scale;
    if (values.empty()) return scale;
    auto const [low, high] = std::minmax_element(values.begin(), values.end());
    scale.high = *high;
    SignalFacts const* const facts = find_signal(signal);
    if (facts && !facts->is_share && *low < *high) {
        scale.kind = ScaleKind::logarithmic;
        scale.low = std::max(*low, *high / max_decades);
        scale.saturated_share = share_beyond(values, scale.low, scale.high);
    }
    return scale;
}

ColourScale gap_scale(ClassMap const& classes) {
    std::vector<double> sizes;
    for (double const gap : classes.gap) {
        if (std::isfinite(gap)) sizes.push_back(std::abs(gap));
    }
    std::sort(sizes.begin(), sizes.end());
    double limit = sizes.empty() ? 0.0 : sizes.back();
    if (!facts_of(classes.signal).is_share && !sizes.empty()) {
        auto const index = static_cast<std::size_t>(saturation_quantile * static_cast<double>(sizes.size() - 1));
        if (sizes[index] > 0.0) limit = sizes[index];
    }
    if (limit <= 0.0) limit = 1.0;
    return {Palette::diverging, ScaleKind::linear, -limit, limit, share_beyond(sizes, -limit, limit)};
}

ColourScale zero_centred_scale(std::vector<double> const& values) {
    double limit = 0.0;
    for (double const value : values) {
        if (std::isfinite(value)) limit = std::max(limit, std::abs(value));
    }
    if (limit <= 0.0) limit = 1.0;
    return {Palette::diverging, ScaleKind::linear, -limit, limit};
}

HeatmapGrid heatmap_grid(RunView const& run) {
    bool const layers_across = run.num_layers >= run.num_experts;
    return {layers_across, std::max(run.num_layers, run.num_experts), std::min(run.num_layers, run.num_experts)};
}

std::string layer_tics(RunView const& run, char axis) {
    if (run.moe_layers.is_every()) return "";
    std::string tics;
    std::int64_t const step = std::max<std::int64_t>(1, run.num_layers / 16);
    for (std::int64_t row = 0; row < run.num_layers; row += step)
        tics += fmt::format("{}'{}' {}", row > 0 ? ", " : "", run.moe_layers.layer(row), row);
    return fmt::format("set {}tics ({})\n", axis, tics);
}

std::string signal_name(std::string_view signal) {
    SignalFacts const* const facts = find_signal(signal);
    return std::string(facts ? facts->title : signal);
}

std::string score_meaning(std::string_view signal) {
    SignalFacts const* const facts = find_signal(signal);
    return std::string(facts ? facts->score : "score");
}

}  // namespace gatesweep
