#include "signals.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace gatesweep {
namespace {

double ratio(double part, double whole) {
    return part == 0.0 ? 0.0 : part / whole;
}

}  // namespace

SignalsDifference difference(Signals const& a, Signals const& b) {
    GATESWEEP_EXPECT(a.activation_counts.shape == b.activation_counts.shape);
    SignalsDifference result;
    std::int64_t moved = 0, all = 0;
    for (std::size_t i = 0; i < a.activation_counts.values.size(); ++i) {
        moved += std::abs(a.activation_counts.values[i] - b.activation_counts.values[i]);
        all += a.activation_counts.values[i];
    }
    result.moved =
        ratio(static_cast<double>(moved) / 2, static_cast<double>(all));  // a moved slot differs in two cells
    for (std::size_t i = 0; i < a.losses.values.size(); ++i) {
        raise(result.losses, ratio(std::abs(a.losses.values[i] - b.losses.values[i]), std::abs(a.losses.values[i])));
    }
    double largest = 0, worst = 0;
    for (std::size_t i = 0; i < a.gradient_scores.values.size(); ++i) {
        raise(largest, std::abs(a.gradient_scores.values[i]));
        raise(worst, std::abs(a.gradient_scores.values[i] - b.gradient_scores.values[i]));
    }
    result.scores = ratio(worst, largest);
    return result;
}

SignalsDifference allowed_difference(at::Device device, at::ScalarType dtype) {
    if (device.is_cpu()) return {};
    if (dtype == at::kBFloat16) return {.moved = 0.02, .losses = 5e-3, .scores = 5e-2};
    return {.moved = 1e-3, .losses = 1e-5, .scores = 1e-3};
}

Check counts_check(Signals const& signals, std::vector<std::int64_t> const& prompt_tokens, std::int64_t top_k) {
    auto const& counts = signals.activation_counts;
    std::int64_t wrong = 0;
    for (std::int64_t p = 0; p < counts.shape[0]; ++p) {
        for (std::int64_t l = 0; l < counts.shape[1]; ++l) {
            std::int64_t sum = 0;
            for (std::int64_t e = 0; e < counts.shape[2]; ++e)
                sum += counts.at(p, l, e);
            wrong += sum != top_k * prompt_tokens[p];
        }
    }
    return {"counts", "counts of a prompt's layer sum to top-k x tokens",
            fmt::format("{} of {} do not", wrong, counts.shape[0] * counts.shape[1]), "0", judge(wrong == 0)};
}

Check compare_signals(std::string name, std::string compared, Signals const& a, Signals const& b,
                      SignalsDifference const& allowed) {
    SignalsDifference const d = difference(a, b);
    bool const equal = d.moved == 0 && d.losses == 0 && d.scores == 0;
    bool const bits = allowed.moved == 0 && allowed.losses == 0 && allowed.scores == 0;
    std::string figure = fmt::format("moved {:.2g}, losses {:.1e}, scores {:.1e}", d.moved, d.losses, d.scores);
    if (equal)
        figure = fmt::format("{} values, all equal", 2 * a.activation_counts.values.size() + a.losses.values.size());
    bool const holds = d.moved <= allowed.moved && d.losses <= allowed.losses && d.scores <= allowed.scores;
    return {std::move(name), std::move(compared), std::move(figure),
            bits ? "equal" : fmt::format("{:.0e} {:.0e} {:.0e}", allowed.moved, allowed.losses, allowed.scores),
            judge(holds)};
}

}  // namespace gatesweep
