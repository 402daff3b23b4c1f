#include "gatesweep/analysis/rank_correlation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace gatesweep {
namespace {

std::vector<double> mean_ranks(std::vector<double> const& values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return values[a] < values[b]; });
    std::vector<double> ranks(values.size());
    for (std::size_t first = 0; first < order.size();) {
        std::size_t last = first;
        while (last + 1 < order.size() && values[order[last + 1]] == values[order[first]])
            ++last;
        for (std::size_t i = first; i <= last; ++i)
            ranks[order[i]] = 0.5 * static_cast<double>(first + last) + 1.0;
        first = last + 1;
    }
    return ranks;
}

}  // namespace

double rank_correlation(std::span<double const> x, std::span<double const> y) {
    std::vector<double> a, b;
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (!std::isfinite(x[i]) || !std::isfinite(y[i])) continue;
        a.push_back(x[i]);
        b.push_back(y[i]);
    }
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    if (a.size() < 3) return none;
    a = mean_ranks(a);
    b = mean_ranks(b);
    double const middle = (static_cast<double>(a.size()) + 1.0) / 2.0;
    double products = 0.0, squares_a = 0.0, squares_b = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        products += (a[i] - middle) * (b[i] - middle);
        squares_a += (a[i] - middle) * (a[i] - middle);
        squares_b += (b[i] - middle) * (b[i] - middle);
    }
    return squares_a == 0.0 || squares_b == 0.0 ? none : products / std::sqrt(squares_a * squares_b);
}

}  // namespace gatesweep
