#include "gatesweep/analysis/rank_correlation.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

namespace gatesweep {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t fewest = 3;

struct FinitePairs {
    std::vector<double> x, y;

    FinitePairs(std::span<double const> all_x, std::span<double const> all_y) {
        for (std::size_t i = 0; i < all_x.size(); ++i) {
            if (!std::isfinite(all_x[i]) || !std::isfinite(all_y[i])) continue;
            x.push_back(all_x[i]);
            y.push_back(all_y[i]);
        }
    }
};

// Pairs of places that hold equals, in a list where equals stand together.
template <class Equal>
std::int64_t num_tied(std::size_t size, Equal const& equal) {
    std::int64_t tied = 0;
    for (std::size_t first = 0; first < size;) {
        std::size_t end = first + 1;
        while (end < size && equal(first, end))
            ++end;
        auto const run = static_cast<std::int64_t>(end - first);
        tied += run * (run - 1) / 2;
        first = end;
    }
    return tied;
}

// Sorts, and counts the pairs that stood the wrong way round.
std::int64_t num_swaps(std::span<double> values, std::span<double> room) {
    if (values.size() < 2) return 0;
    std::size_t const half = values.size() / 2;
    std::int64_t swaps =
        num_swaps(values.first(half), room.first(half)) + num_swaps(values.subspan(half), room.subspan(half));
    std::size_t left = 0, right = half;
    for (double& to : room.first(values.size())) {
        bool const from_left = right == values.size() || (left < half && values[left] <= values[right]);
        if (!from_left) swaps += static_cast<std::int64_t>(half - left);
        to = from_left ? values[left++] : values[right++];
    }
    std::ranges::copy(room.first(values.size()), values.begin());
    return swaps;
}

}  // namespace

std::vector<double> mean_ranks(std::span<double const> values) {
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

double correlation_of_ranks(std::span<double const> a, std::span<double const> b) {
    if (a.size() < fewest) return none;
    double const middle = (static_cast<double>(a.size()) + 1.0) / 2.0;
    double products = 0.0, squares_a = 0.0, squares_b = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        products += (a[i] - middle) * (b[i] - middle);
        squares_a += (a[i] - middle) * (a[i] - middle);
        squares_b += (b[i] - middle) * (b[i] - middle);
    }
    return squares_a == 0.0 || squares_b == 0.0 ? none : products / std::sqrt(squares_a * squares_b);
}

double rank_correlation(std::span<double const> x, std::span<double const> y) {
    FinitePairs const pairs(x, y);
    return correlation_of_ranks(mean_ranks(pairs.x), mean_ranks(pairs.y));
}

double kendall_tau(std::span<double const> x, std::span<double const> y) {
    FinitePairs const pairs(x, y);
    std::size_t const n = pairs.x.size();
    if (n < fewest) return none;
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](auto a, auto b) {
        return pairs.x[a] != pairs.x[b] ? pairs.x[a] < pairs.x[b] : pairs.y[a] < pairs.y[b];
    });
    std::vector<double> of_x, of_y, room(n);
    for (std::size_t const i : order) {
        of_x.push_back(pairs.x[i]);
        of_y.push_back(pairs.y[i]);
    }
    auto const equal_x = [&](auto i, auto j) { return of_x[i] == of_x[j]; };
    auto const equal_y = [&](auto i, auto j) { return of_y[i] == of_y[j]; };
    std::int64_t const tied_x = num_tied(n, equal_x);
    std::int64_t const tied_both = num_tied(n, [&](auto i, auto j) { return equal_x(i, j) && equal_y(i, j); });
    std::int64_t const swaps = num_swaps(of_y, room);  // of_y is sorted now
    std::int64_t const tied_y = num_tied(n, equal_y);
    auto const all = static_cast<std::int64_t>(n * (n - 1) / 2);
    if (tied_x == all || tied_y == all) return none;
    double const agreement = static_cast<double>(all - tied_x - tied_y + tied_both - 2 * swaps);
    return agreement / std::sqrt(static_cast<double>(all - tied_x)) / std::sqrt(static_cast<double>(all - tied_y));
}

}  // namespace gatesweep
