#include "gatesweep/harden/adamw.h"

#include <cmath>
#include <numbers>

#include "gatesweep/base/error.h"

namespace gatesweep {

std::int64_t num_values(Adapter const& adapter) {
    std::int64_t sum = 0;
    for (auto const& [place, pair] : adapter.pairs)
        sum += pair.a.numel() + pair.b.numel();
    return sum;
}

void adamw_step(Adapter& adapter, std::span<double const> gradient, AdamWState& state, AdamWOptions const& options) {
    GATESWEEP_EXPECT(std::ssize(gradient) == num_values(adapter));
    state.first.resize(gradient.size());
    state.second.resize(gradient.size());
    ++state.step;
    double const correction1 = 1.0 - std::pow(options.beta1, static_cast<double>(state.step)),
                 correction2 = 1.0 - std::pow(options.beta2, static_cast<double>(state.step));
    std::size_t i = 0;
    auto const update = [&](at::Tensor const& values) {
        auto* const value = values.data_ptr<float>();
        for (std::int64_t k = 0; k < values.numel(); ++k, ++i) {
            double const g = gradient[i];
            double const m = options.beta1 * static_cast<double>(state.first[i]) + (1.0 - options.beta1) * g,
                         v = options.beta2 * static_cast<double>(state.second[i]) + (1.0 - options.beta2) * g * g;
            state.first[i] = static_cast<float>(m);
            state.second[i] = static_cast<float>(v);
            double const kept = static_cast<double>(value[k]) * (1.0 - options.learning_rate * options.weight_decay);
            double const step = (m / correction1) / (std::sqrt(v / correction2) + options.epsilon);
            value[k] = static_cast<float>(kept - options.learning_rate * step);
        }
    };
    for (auto const& [place, pair] : adapter.pairs) {
        update(pair.a);
        update(pair.b);
    }
}

double clip_norm(std::span<double> gradient, double largest) {
    double sum = 0.0;
    for (double const g : gradient)
        sum += g * g;
    double const norm = std::sqrt(sum), factor = largest / (norm + 1e-6);
    if (factor < 1.0) {
        for (double& g : gradient)
            g *= factor;
    }
    return norm;
}

double scheduled_rate(double peak, std::int64_t step, std::int64_t num_steps, std::int64_t num_warmup) {
    if (step < num_warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(num_warmup);
    double const done =
        static_cast<double>(step - num_warmup) / static_cast<double>(std::max<std::int64_t>(1, num_steps - num_warmup));
    return peak * 0.5 * (1.0 + std::cos(std::numbers::pi * done));
}

}  // namespace gatesweep
