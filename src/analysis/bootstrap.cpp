#include "gatesweep/analysis/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "gatesweep/base/uniform.h"

namespace gatesweep {
namespace {

constexpr std::uint64_t bootstrap_seed = 20260530;

double percentile(std::vector<double> const& sorted, double share) {
    double const place = share * static_cast<double>(sorted.size() - 1);
    auto const below = static_cast<std::size_t>(place);
    auto const above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

DrawnRows all_rows(std::span<std::int64_t const> rows) {
    DrawnRows out;
    for (std::int64_t const row : rows)
        out.push_back({row, 1.0});
    return out;
}

std::vector<DrawnRows> resampled_rows(std::span<std::int64_t const> rows, std::int64_t count, std::uint64_t stream) {
    std::mt19937_64 random(bootstrap_seed + stream);
    std::vector<DrawnRows> out;
    for (std::int64_t i = 0; i < count; ++i) {
        std::vector<std::int64_t> times(rows.size());
        for (std::size_t draw = 0; draw < rows.size(); ++draw)
            ++times[uniform_below(rows.size(), random)];
        DrawnRows& drawn = out.emplace_back();
        for (std::size_t row = 0; row < rows.size(); ++row) {
            if (times[row] > 0) drawn.push_back({rows[row], static_cast<double>(times[row])});
        }
    }
    return out;
}

Interval percentile_interval(std::vector<double> values) {
    std::erase_if(values, [](double value) { return std::isnan(value); });
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    if (values.size() < 2) return {none, none};
    std::sort(values.begin(), values.end());
    return {percentile(values, 0.025), percentile(values, 0.975)};
}

}  // namespace gatesweep
