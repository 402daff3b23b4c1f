#include "gatesweep/analysis/risk_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gatesweep/store/table_catalogue.h"

namespace gatesweep {
namespace {

// Apart from the streams of the groups of prompts (providers/provider_context.cpp).
constexpr std::uint64_t pairs_stream = 16;

// Tokens of drawn pairs, and how many of them chose each expert, by side. Whole numbers, far below 2^53: exact.
struct Pooled {
    std::array<double, 2> tokens{};
    std::array<std::vector<double>, 2> chosen;  // [L * E]
};

std::size_t num_experts(PairInput const& pairs) {
    return static_cast<std::size_t>(pairs.counts.shape[2] * pairs.counts.shape[3]);
}

Pooled pool(PairInput const& pairs, DrawnRows const& rows) {
    std::size_t const num = num_experts(pairs);
    Pooled out;
    for (std::size_t side = 0; side < 2; ++side) {
        out.chosen[side].resize(num);
        for (auto const& [row, times] : rows) {
            out.tokens[side] += times * static_cast<double>(pairs.counted[static_cast<std::size_t>(row)][side]);
            auto const counts = pairs.counts.row(row).subspan(side * num, num);
            for (std::size_t i = 0; i < num; ++i)
                out.chosen[side][i] += times * static_cast<double>(counts[i]);
        }
    }
    return out;
}

std::vector<double> mean_differences(std::vector<std::vector<double>> const& of_pairs, DrawnRows const& rows,
                                     std::int64_t first) {
    std::vector<double> mean(of_pairs.front().size());
    double total = 0.0;
    for (auto const& [row, times] : rows) {
        auto const& differences = of_pairs[static_cast<std::size_t>(row - first)];
        for (std::size_t i = 0; i < mean.size(); ++i)
            mean[i] += times * differences[i];
        total += times;
    }
    for (double& value : mean)
        value /= total;
    return mean;
}

}  // namespace

std::vector<double> pooled_differences(PairInput const& pairs, DrawnRows const& rows) {
    Pooled const pooled = pool(pairs, rows);
    std::vector<double> out(num_experts(pairs));
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = pooled.chosen[0][i] / pooled.tokens[0] - pooled.chosen[1][i] / pooled.tokens[1];
    return out;
}

std::vector<DrawnRows> resampled_pairs(PairRowsOf const& of, std::int64_t resamples) {
    return resampled_rows(of.rows, resamples, pairs_stream);
}

RiskDifference risk_difference_of(ExpertId id, std::int64_t a1, std::int64_t a2, std::int64_t d1, std::int64_t d2) {
    RiskDifference out;
    out.id = id;
    out.a1 = a1, out.a2 = a2, out.d1 = d1, out.d2 = d2;
    out.rate_1 = static_cast<double>(a1) / static_cast<double>(a1 + d1);
    out.rate_2 = static_cast<double>(a2) / static_cast<double>(a2 + d2);
    out.difference = out.rate_1 - out.rate_2;
    auto const odds = [](std::int64_t a, std::int64_t d) {
        return (static_cast<double>(a) + 0.5) / (static_cast<double>(d) + 0.5);
    };
    out.log_odds_ratio = std::log(odds(a1, d1) / odds(a2, d2));
    return out;
}

std::vector<RiskDifference> risk_differences(PairInput const& pairs, PairRowsOf const& of, MoeLayers const& moe_layers,
                                             std::int64_t resamples) {
    std::int64_t const first = of.rows.front();  // those of a name lie together
    Pooled const whole = pool(pairs, all_rows(of.rows));
    std::vector<std::vector<double>> of_pairs;
    for (std::int64_t const row : of.rows)
        of_pairs.push_back(pooled_differences(pairs, {{row, 1.0}}));
    std::vector<double> const mean = mean_differences(of_pairs, all_rows(of.rows), first);
    std::vector<std::vector<double>> resampled;  // [resamples][L * E]
    for (DrawnRows const& rows : resampled_pairs(of, resamples))
        resampled.push_back(mean_differences(of_pairs, rows, first));

    auto const count = [](double number) { return static_cast<std::int64_t>(number); };
    std::vector<RiskDifference> out;
    for (std::size_t i = 0; i < mean.size(); ++i) {
        auto const row = static_cast<std::int64_t>(i) / pairs.counts.shape[3];
        std::int64_t const a1 = count(whole.chosen[0][i]), a2 = count(whole.chosen[1][i]);
        RiskDifference& expert = out.emplace_back(
            risk_difference_of({moe_layers.layer(row), static_cast<std::int64_t>(i) % pairs.counts.shape[3]}, a1, a2,
                               count(whole.tokens[0]) - a1, count(whole.tokens[1]) - a2));
        expert.pair_mean = mean[i];
        std::vector<double> values;
        for (auto const& sample : resampled)
            values.push_back(sample[i]);
        expert.interval = percentile_interval(std::move(values));
    }
    std::ranges::stable_sort(out, std::ranges::greater(),
                             [](RiskDifference const& expert) { return std::abs(expert.difference); });
    return out;
}

CsvTable risk_difference_table(PairInput const& pairs, MoeLayers const& moe_layers, std::int64_t resamples) {
    CsvTable table = new_table("risk_difference");
    for (PairRowsOf const& of : rows_by_name(pairs)) {
        for (RiskDifference const& r : risk_differences(pairs, of, moe_layers, resamples)) {
            table.add(r.id.layer, r.id.expert, r.a1, r.a2, r.d1, r.d2, r.rate_1, r.rate_2, r.difference,
                      fmt::format("L{:02} E{:02}", r.id.layer, r.id.expert), std::abs(r.difference), of.name,
                      r.pair_mean, r.interval.low, r.interval.high, r.log_odds_ratio);
        }
    }
    return table;
}

}  // namespace gatesweep
