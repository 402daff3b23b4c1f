#include "gatesweep/analysis/power.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

double normal_cdf(double x) {
    return 0.5 * std::erfc(-x / std::numbers::sqrt2);
}

bool possible(double difference, double discordant) {
    return std::abs(difference) <= discordant && discordant > 0.0 && discordant <= 1.0;
}

// Standard deviation of a pair's change, times sqrt(pairs): under no effect sqrt(discordant), under the effect this.
double spread(double difference, double discordant) {
    return std::sqrt(std::max(discordant - difference * difference, 0.0));
}

}  // namespace

double normal_quantile(double probability) {
    GATESWEEP_EXPECT(probability > 0.0 && probability < 1.0);
    // In the lower half, where the distribution function keeps its digits.
    if (probability > 0.5) return -normal_quantile(1.0 - probability);
    double low = -40.0, high = 0.0;
    for (int step = 0; step < 100; ++step) {
        double const middle = 0.5 * (low + high);
        (normal_cdf(middle) < probability ? low : high) = middle;
    }
    return high;
}

std::optional<std::int64_t> pairs_needed(double difference, double discordant, double power, double z) {
    if (!possible(difference, discordant) || difference == 0.0 || !(power > 0.0 && power < 1.0)) return std::nullopt;
    double const root = z * std::sqrt(discordant) + normal_quantile(power) * spread(difference, discordant);
    double const scaled = std::max(root, 0.0) / std::abs(difference);
    double const pairs = std::max(std::ceil(scaled * scaled), 1.0);
    if (!(pairs <= 9007199254740992.0)) return std::nullopt;
    return static_cast<std::int64_t>(pairs);
}

double power_of_test(std::int64_t num_pairs, double difference, double discordant, double z) {
    if (!possible(difference, discordant) || num_pairs < 0) return std::numeric_limits<double>::quiet_NaN();
    double const excess = std::abs(difference) * std::sqrt(static_cast<double>(num_pairs)) - z * std::sqrt(discordant);
    double const width = spread(difference, discordant);
    if (width == 0.0) return excess >= 0.0 ? 1.0 : 0.0;  // every prompt changes the same way
    return normal_cdf(excess / width);
}

}  // namespace gatesweep
