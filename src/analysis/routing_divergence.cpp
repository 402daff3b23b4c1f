#include "gatesweep/analysis/routing_divergence.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

// p ln(p / m), 0 where p is 0.
double relative(double p, double m) {
    return p > 0.0 ? p * std::log(p / m) : 0.0;
}

double mean(std::span<double const> values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// The experts of the largest entries, ascending.
std::vector<std::size_t> largest(std::span<double const> p, std::int64_t count) {
    std::vector<std::size_t> order(p.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, std::greater(), [&](std::size_t e) { return p[e]; });
    order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
    std::ranges::sort(order);
    return order;
}

double mean_of_drawn(std::span<double const> values, DrawnRows const& rows) {
    double sum = 0.0, count = 0.0;
    for (auto const& [row, times] : rows) {
        sum += times * values[static_cast<std::size_t>(row)];
        count += times;
    }
    return sum / count;
}

Estimate estimate_of(std::span<double const> values, std::span<DrawnRows const> resamples) {
    std::vector<double> resampled;
    for (DrawnRows const& rows : resamples)
        resampled.push_back(mean_of_drawn(values, rows));
    return {mean(values), percentile_interval(std::move(resampled))};
}

std::string cell(double value) {
    return std::isnan(value) ? std::string() : to_cell(value);
}

}  // namespace

double js_divergence(std::span<double const> p, std::span<double const> q) {
    GATESWEEP_EXPECT(p.size() == q.size());
    double sum = 0.0;
    for (std::size_t e = 0; e < p.size(); ++e) {
        double const middle = (p[e] + q[e]) / 2.0;
        sum += relative(p[e], middle) + relative(q[e], middle);
    }
    return std::max(sum / 2.0, 0.0);  // rounding alone makes it less
}

double vector_overlap(std::span<double const> p, std::span<double const> q, std::int64_t top_k) {
    auto const a = largest(p, top_k), b = largest(q, top_k);
    std::vector<std::size_t> both;
    std::ranges::set_intersection(a, b, std::back_inserter(both));
    return static_cast<double>(both.size());
}

double token_overlap(CountedTokens const& a, CountedTokens const& b, std::int64_t row) {
    std::int64_t const num = std::min(a.size(), b.size());
    GATESWEEP_EXPECT(num > 0);
    std::int64_t both = 0;
    for (std::int64_t t = 0; t < num; ++t) {
        auto const others = b.experts_of(row, t);
        for (std::uint16_t const expert : a.experts_of(row, t))
            both += std::ranges::find(others, expert) != others.end();
    }
    return static_cast<double>(both) / static_cast<double>(num);
}

std::vector<PairDivergence> divergences(RoutedTexts const& a, RoutedTexts const& b, std::span<TextPair const> pairs,
                                        OverlapOf overlap) {
    GATESWEEP_EXPECT(a.num_layers == b.num_layers && a.num_experts == b.num_experts && a.top_k == b.top_k);
    auto const num_experts = static_cast<std::size_t>(a.num_experts);
    std::vector<PairDivergence> out;
    for (TextPair const pair : pairs) {
        RoutedText const &x = a.texts[pair.a], &y = b.texts[pair.b];
        PairDivergence& of_pair = out.emplace_back();
        for (std::int64_t row = 0; row < a.num_layers; ++row) {
            std::size_t const at = static_cast<std::size_t>(row) * num_experts;
            auto const p = std::span(x.shares).subspan(at, num_experts);
            auto const q = std::span(y.shares).subspan(at, num_experts);
            of_pair.js.push_back(js_divergence(p, q));
            of_pair.overlap.push_back(overlap == OverlapOf::tokens ? token_overlap(x.tokens, y.tokens, row)
                                                                   : vector_overlap(p, q, a.top_k));
        }
    }
    return out;
}

std::vector<DivergenceSummary> summaries(std::span<PairDivergence const> pairs, std::span<DrawnRows const> resamples) {
    GATESWEEP_EXPECT(!pairs.empty());
    std::vector<DivergenceSummary> out;
    auto const add = [&](std::int64_t row, auto const& js_of, auto const& overlap_of) {
        std::vector<double> js, overlap;
        for (PairDivergence const& pair : pairs) {
            js.push_back(js_of(pair));
            overlap.push_back(overlap_of(pair));
        }
        out.push_back({row, estimate_of(js, resamples), estimate_of(overlap, resamples)});
    };
    for (std::size_t row = 0; row < pairs.front().js.size(); ++row) {
        add(
            static_cast<std::int64_t>(row), [row](PairDivergence const& pair) { return pair.js[row]; },
            [row](PairDivergence const& pair) { return pair.overlap[row]; });
    }
    add(
        DivergenceSummary::all_layers, [](PairDivergence const& pair) { return mean(pair.js); },
        [](PairDivergence const& pair) { return mean(pair.overlap); });
    return out;
}

void add_summaries(std::string_view condition, std::span<PairDivergence const> pairs,
                   std::span<DrawnRows const> resamples, MoeLayers const& moe_layers, CsvTable& table) {
    for (DivergenceSummary const& s : summaries(pairs, resamples)) {
        table.add(condition, s.row == DivergenceSummary::all_layers ? "all" : to_cell(moe_layers.layer(s.row)),
                  pairs.size(), s.js.value, cell(s.js.interval.low), cell(s.js.interval.high), s.overlap.value,
                  cell(s.overlap.interval.low), cell(s.overlap.interval.high));
    }
}

std::vector<double> js_of_pairs(std::span<PairDivergence const> pairs) {
    std::vector<double> out;
    for (PairDivergence const& pair : pairs)
        out.push_back(mean(pair.js));
    return out;
}

Estimate ratio_of_means(std::span<double const> of, std::span<DrawnRows const> of_resamples, std::span<double const> to,
                        std::span<DrawnRows const> to_resamples) {
    GATESWEEP_EXPECT(of_resamples.size() == to_resamples.size());
    std::vector<double> resampled;
    for (std::size_t b = 0; b < of_resamples.size(); ++b)
        resampled.push_back(mean_of_drawn(of, of_resamples[b]) / mean_of_drawn(to, to_resamples[b]));
    return {mean(of) / mean(to), percentile_interval(std::move(resampled))};
}

}  // namespace gatesweep
