#include "gatesweep/analysis/agreement.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "gatesweep/base/error.h"

namespace gatesweep {

Rate rate_of(std::int64_t num_successes, std::int64_t num_trials, double z) {
    double const estimate = num_trials == 0 ? std::numeric_limits<double>::quiet_NaN()
                                            : static_cast<double>(num_successes) / static_cast<double>(num_trials);
    return {num_successes, num_trials, estimate, wilson_interval(num_successes, num_trials, z)};
}

Kappa cohen_kappa(std::span<std::int64_t const> counts, std::int64_t num_labels, double z) {
    auto const size = static_cast<std::size_t>(num_labels);
    GATESWEEP_EXPECT(counts.size() == size * size);
    double total = 0.0, largest_agreed = 0.0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        total += static_cast<double>(counts[i]);
        if (i % (size + 1) == 0) largest_agreed = std::max(largest_agreed, static_cast<double>(counts[i]));
    }
    if (largest_agreed == total) {
        double const nan = std::numeric_limits<double>::quiet_NaN();
        return {nan, nan, {-1.0, 1.0}};
    }
    auto const share = [&](std::size_t i, std::size_t j) { return static_cast<double>(counts[i * size + j]) / total; };
    std::vector<double> rows(size, 0.0), columns(size, 0.0);
    double observed = 0.0, chance = 0.0;
    for (std::size_t i = 0; i < size; ++i) {
        for (std::size_t j = 0; j < size; ++j) {
            rows[i] += share(i, j);
            columns[i] += share(j, i);
        }
        observed += share(i, i);
        chance += rows[i] * columns[i];
    }
    double agreeing = 0.0, disagreeing = 0.0;
    for (std::size_t i = 0; i < size; ++i) {
        for (std::size_t j = 0; j < size; ++j) {
            double const weight = i == j ? (1.0 - chance) - (rows[i] + columns[i]) * (1.0 - observed)
                                         : (1.0 - observed) * (columns[i] + rows[j]);
            (i == j ? agreeing : disagreeing) += share(i, j) * weight * weight;
        }
    }
    double const mean = observed * chance - 2.0 * chance + observed;
    double const variance = std::max(agreeing + disagreeing - mean * mean, 0.0);
    double const estimate = (observed - chance) / (1.0 - chance);
    double const error = std::sqrt(variance / total) / ((1.0 - chance) * (1.0 - chance));
    return {estimate, error, {std::max(estimate - z * error, -1.0), std::min(estimate + z * error, 1.0)}};
}

Agreement agreement(LabelCounts const& c, double z) {
    std::int64_t const positive = c.true_positive + c.false_negative;
    std::int64_t const negative = c.false_positive + c.true_negative;
    std::int64_t const predicted = c.true_positive + c.false_positive;
    return {rate_of(c.true_positive, predicted, z),
            rate_of(c.true_positive, positive, z),
            rate_of(c.true_negative, negative, z),
            rate_of(positive, positive + negative, z),
            rate_of(predicted, positive + negative, z),
            cohen_kappa(std::array{c.true_positive, c.false_positive, c.false_negative, c.true_negative}, 2, z)};
}

}  // namespace gatesweep
