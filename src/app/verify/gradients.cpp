#include "gradients.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "gatesweep/signal/gate_gradients.h"

namespace gatesweep {
namespace {

constexpr double limit = 1e-5;
// Small enough for the third derivative, large enough for the last bits of a float64 loss.
constexpr double step = 1e-4;

class Collector final : public RoutingObserver {
public:
    explicit Collector(std::int64_t num_layers) {
        gradients.layers.resize(static_cast<std::size_t>(num_layers));
        gradients.routings.resize(static_cast<std::size_t>(num_layers));
    }
    void on_routing(std::int64_t layer, PackedBatch const&, Routing const& routing) override {
        gradients.routings[layer] = routing;
    }
    void on_router_gradient(std::int64_t layer, PackedBatch const& batch, Routing const& routing,
                            at::Tensor const& d_router_logits, at::Tensor const& router_input) override {
        if (batch.num_prompts() == 0) return;
        gradients.layers[layer] = gate_gradient_of_prompt(batch, 0, routing, d_router_logits, router_input);
    }

    GateGradients gradients;
};

PackedBatch batch_of(std::vector<std::int32_t> const& prompt, Part part) {
    std::vector<std::vector<std::int32_t>> const prompts = {prompt};
    return part == Part::examiner ? pack(prompts) : pack({});
}

bool same_choices(std::vector<Routing> const& a, std::vector<Routing> const& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](Routing const& x, Routing const& y) { return at::equal(x.expert_ids, y.expert_ids); });
}

// Positions of the largest magnitudes, descending; ties by position.
std::vector<std::int64_t> by_magnitude(std::vector<double> const& values, std::int64_t count) {
    std::vector<std::int64_t> order(values.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    auto const last = order.begin() + std::min(count, static_cast<std::int64_t>(order.size()));
    std::partial_sort(order.begin(), last, order.end(), [&](auto a, auto b) {
        double const x = std::abs(values[a]), y = std::abs(values[b]);
        return x != y ? x > y : a < b;
    });
    return {order.begin(), last};
}

}  // namespace

GateGradients gate_gradients(Decoder const& model, std::vector<std::int32_t> const& prompt, Part part) {
    Collector collector(model.config().num_sparse_layers());
    auto const losses = model.forward_backward(batch_of(prompt, part), collector, TapePolicy::keep);
    if (part == Part::helper) return {};
    collector.gradients.loss = losses[0];
    return std::move(collector.gradients);
}

std::vector<GateEntry> choose_entries(GateGradients const& gradients, std::int64_t hidden_size,
                                      std::int64_t num_entries) {
    std::vector<GateEntry> entries;
    std::int64_t const num_layers = static_cast<std::int64_t>(gradients.layers.size());
    std::int64_t const largest_per_layer = num_entries / num_layers / 2 + 1;
    std::vector<std::vector<std::int64_t>> largest;
    for (auto const& layer : gradients.layers)
        largest.push_back(by_magnitude(layer, largest_per_layer));
    std::mt19937_64 random(1);
    for (std::int64_t i = 0; i < num_entries; ++i) {
        std::int64_t const layer = i % num_layers, turn = i / num_layers;
        auto const& order = largest[layer];
        bool const take_largest = turn % 2 == 0 && turn / 2 < static_cast<std::int64_t>(order.size());
        std::int64_t const position =
            take_largest ? order[turn / 2] : static_cast<std::int64_t>(random() % gradients.layers[layer].size());
        entries.push_back({layer, position / hidden_size, position % hidden_size});
    }
    return entries;
}

std::vector<std::optional<double>> finite_differences(Decoder const& model, std::vector<std::int32_t> const& prompt,
                                                      Part part, std::vector<GateEntry> const& entries) {
    PackedBatch const batch = batch_of(prompt, part);
    auto const run = [&](std::vector<Routing>& routings) {
        Collector collector(model.config().num_sparse_layers());
        auto const losses = model.forward(batch, collector);
        routings = std::move(collector.gradients.routings);
        return losses.empty() ? 0.0 : losses[0];
    };
    std::vector<Routing> base, above, below;
    run(base);
    std::vector<std::int64_t> const sparse_layers = model.config().sparse_layers();
    std::vector<std::optional<double>> differences;
    for (auto const& entry : entries) {
        // A tensor is a handle: writing through this copy changes the model's own weight.
        at::Tensor const weight = model.weights().layers[sparse_layers[entry.layer]].gate[entry.expert][entry.column];
        double const value = weight.item<double>();
        weight.fill_(value + step);
        double const loss_above = run(above);
        weight.fill_(value - step);
        double const loss_below = run(below);
        weight.fill_(value);
        bool const smooth = same_choices(base, above) && same_choices(base, below);
        differences.push_back(smooth ? std::optional((loss_above - loss_below) / (2 * step)) : std::nullopt);
    }
    return differences;
}

GradientAgreement agreement(GateGradients const& gradients, std::int64_t hidden_size,
                            std::vector<GateEntry> const& entries,
                            std::vector<std::optional<double>> const& differences) {
    GradientAgreement result;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (!differences[i]) {
            ++result.skipped;
            continue;
        }
        auto const& layer = gradients.layers[entries[i].layer];
        double largest = 0;
        for (double value : layer)
            largest = std::max(largest, std::abs(value));
        double const error = std::abs(*differences[i] - layer[entries[i].expert * hidden_size + entries[i].column]);
        double const relative = error == 0.0 ? 0.0 : error / largest;
        ++result.compared;
        raise(result.worst, relative);
    }
    return result;
}

Check rounding_note(Signals const& signals, std::int64_t prompt, GateGradients const& exact, ModelConfig const& config,
                    std::string const& dtype) {
    Signals wide(1, config), stored(1, config);
    wide.losses.values[0] = exact.loss;
    stored.losses.values[0] = signals.losses.values[prompt];
    for (std::int64_t l = 0; l < config.num_sparse_layers(); ++l) {
        at::Tensor const ids = exact.routings[l].expert_ids;
        for (std::int64_t i = 0; i < ids.numel(); ++i)
            ++wide.activation_counts.at(0, l, ids.const_data_ptr<std::int64_t>()[i]);
        for (std::int64_t e = 0; e < config.num_experts; ++e) {
            double sum = 0;
            for (std::int64_t c = 0; c < config.hidden_size; ++c)
                sum += std::abs(exact.layers[l][e * config.hidden_size + c]);
            wide.gradient_scores.at(0, l, e) = sum / static_cast<double>(config.hidden_size);
            stored.activation_counts.at(0, l, e) = signals.activation_counts.at(prompt, l, e);
            stored.gradient_scores.at(0, l, e) = signals.gradient_scores.at(prompt, l, e);
        }
    }
    Check check =
        compare_signals("rounding", fmt::format("{} against float64, the same prompt", dtype), wide, stored, {});
    check.limit.clear();
    check.verdict = Verdict::note;
    return check;
}

Check gradient_check(GradientAgreement const& a, std::int64_t num_tokens) {
    Check check{"gate gradients",
                fmt::format("finite differences, float64, {} tokens, {} entries", num_tokens, a.compared + a.skipped),
                fmt::format("{:.1e} of the layer's largest, {} at a tie", a.worst, a.skipped),
                fmt::format("{:.0e}", limit), judge(a.worst <= limit)};
    if (a.compared == 0) check.verdict = Verdict::skipped;
    return check;
}

}  // namespace gatesweep
