#include "gatesweep/analysis/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

// ln n! minus Stirling's approximation of it.
double stirling_error(double n) {
    if (n <= 15.0) {
        return std::lgamma(n + 1.0) - ((n + 0.5) * std::log(n) - n + 0.5 * std::log(2.0 * std::numbers::pi));
    }
    double const square = n * n;
    double const inner = 1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square;
    return (1.0 / 12.0 - (1.0 / 360.0 - inner / square) / square) / n;
}

// P(X = k) for n fair coins, k <= n / 2, after C. Loader's saddle point expansion: unlike differences of ln n!, it
// keeps its digits for large n.
double fair_binomial(std::int64_t n, std::int64_t k) {
    if (k == 0) return std::exp2(-static_cast<double>(n));
    auto const total = static_cast<double>(n);
    auto const heads = static_cast<double>(k);
    double const tails = total - heads;
    double const skew = (tails - heads) / total;
    double const deviance = 0.5 * total * (std::log1p(-skew * skew) + 2.0 * skew * std::atanh(skew));
    double const correction = stirling_error(total) - stirling_error(heads) - stirling_error(tails);
    return std::exp(correction - deviance) * std::sqrt(total / (2.0 * std::numbers::pi * heads * tails));
}

// Of X = heads among n fair coins.
struct LowerTail {
    double observed = 0.0;  // P(X = k)
    double sum = 0.0;       // P(X <= k)
};

// Numbers of ways, upwards: whole numbers, and so without rounding, as far as a double holds them.
LowerTail counted_tail(std::int64_t n, std::int64_t k) {
    double ways = 1.0, sum = 1.0;
    for (std::int64_t i = 1; i <= k; ++i) {
        ways = ways * static_cast<double>(n - i + 1) / static_cast<double>(i);
        sum += ways;
    }
    auto const scale = -static_cast<int>(n);
    return {std::ldexp(ways, scale), std::ldexp(sum, scale)};
}

// Probabilities, from the largest downwards until the rest no longer counts.
LowerTail expanded_tail(std::int64_t n, std::int64_t k) {
    LowerTail tail;
    double term = tail.observed = tail.sum = fair_binomial(n, k);
    for (std::int64_t i = k; i > 0 && term > 1e-17 * tail.sum; --i) {
        term *= static_cast<double>(i) / static_cast<double>(n - i + 1);
        tail.sum += term;
    }
    return tail;
}

struct Margins {
    double below = 0.0;  // estimate - lower limit
    double above = 0.0;  // upper limit - estimate
};

Margins wilson_margins(std::int64_t num_successes, std::int64_t num_trials, double z) {
    double const rate = static_cast<double>(num_successes) / static_cast<double>(num_trials);
    Interval const interval = wilson_interval(num_successes, num_trials, z);
    return {rate - interval.low, interval.high - rate};
}

double corrected_phi(PairedCounts const& p) {
    auto const both = static_cast<double>(p.both), neither = static_cast<double>(p.neither);
    auto const first = static_cast<double>(p.only_first), second = static_cast<double>(p.only_second);
    double const rows = (both + first) * (second + neither);
    double const columns = (both + second) * (first + neither);
    if (rows == 0.0 || columns == 0.0) return 0.0;
    double covariance = both * neither - first * second;
    if (covariance > 0.0) covariance = std::max(covariance - 0.5 * static_cast<double>(p.num_pairs()), 0.0);
    return covariance / (std::sqrt(rows) * std::sqrt(columns));
}

double joined(double a, double b, double phi) {
    return std::sqrt(std::max(a * a - 2.0 * phi * a * b + b * b, 0.0));
}

}  // namespace

Interval wilson_interval(std::int64_t num_successes, std::int64_t num_trials, double z) {
    GATESWEEP_EXPECT(num_successes >= 0 && num_successes <= num_trials);
    if (num_trials == 0) return {0.0, 1.0};
    auto const successes = static_cast<double>(num_successes);
    auto const trials = static_cast<double>(num_trials);
    double const square = z * z;
    double const centre = (successes + 0.5 * square) / (trials + square);
    double const half = z / (trials + square) * std::sqrt(successes * (trials - successes) / trials + 0.25 * square);
    // The limits at the ends are exact; rounding would move them.
    return {num_successes == 0 ? 0.0 : centre - half, num_successes == num_trials ? 1.0 : centre + half};
}

McNemarTest mcnemar_test(std::int64_t only_first, std::int64_t only_second) {
    GATESWEEP_EXPECT(only_first >= 0 && only_second >= 0);
    std::int64_t const fewer = std::min(only_first, only_second);
    std::int64_t const discordant = only_first + only_second;
    if (only_first == only_second) return {};
    bool const ways_fit = discordant <= 1000;  // below 2^1000
    LowerTail const tail = ways_fit ? counted_tail(discordant, fewer) : expanded_tail(discordant, fewer);
    double const exact = 2 * fewer + 1 == discordant ? 1.0 : std::min(2.0 * tail.sum, 1.0);
    return {exact, std::max(exact - tail.observed, 0.0)};
}

RateDifference paired_difference(PairedCounts const& pairs, double z) {
    std::int64_t const n = pairs.num_pairs();
    if (n == 0) return {std::numeric_limits<double>::quiet_NaN(), {-1.0, 1.0}};
    double const estimate = static_cast<double>(pairs.only_second - pairs.only_first) / static_cast<double>(n);
    Margins const first = wilson_margins(pairs.both + pairs.only_first, n, z);
    Margins const second = wilson_margins(pairs.both + pairs.only_second, n, z);
    double const phi = corrected_phi(pairs);
    double const low = estimate - joined(second.below, first.above, phi);
    double const high = estimate + joined(second.above, first.below, phi);
    return {estimate, {std::max(low, -1.0), std::min(high, 1.0)}};
}

}  // namespace gatesweep
