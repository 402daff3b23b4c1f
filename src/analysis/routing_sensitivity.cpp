#include "gatesweep/analysis/routing_sensitivity.h"

#include <algorithm>
#include <cmath>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/analysis/audit_pairs.h"
#include "gatesweep/analysis/provider_scores.h"
#include "gatesweep/base/error.h"
#include "gatesweep/store/table_catalogue.h"

namespace gatesweep {
namespace {

using Map = std::vector<double>;  // [L * E]

// What one pair of prompts says of every expert: [pairs, L * E].
std::vector<Map> differences(NdArray<double> const& shares, std::vector<PromptPair> const& pairs, bool with_sign) {
    std::vector<Map> out;
    for (PromptPair const pair : pairs) {
        auto const a = shares.row(pair.a), b = shares.row(pair.b);
        Map& difference = out.emplace_back(a.size());
        for (std::size_t i = 0; i < a.size(); ++i)
            difference[i] = with_sign ? a[i] - b[i] : std::abs(a[i] - b[i]);
    }
    return out;
}

DrawnRows every_row(std::size_t num) {
    DrawnRows out;
    for (std::size_t row = 0; row < num; ++row)
        out.push_back({static_cast<std::int64_t>(row), 1.0});
    return out;
}

Map mean_of(std::vector<Map> const& maps, DrawnRows const& rows) {
    Map mean(maps.front().size());
    double count = 0.0;
    for (auto const& [row, times] : rows) {
        Map const& map = maps[static_cast<std::size_t>(row)];
        for (std::size_t i = 0; i < mean.size(); ++i)
            mean[i] += times * map[i];
        count += times;
    }
    for (double& value : mean)
        value /= count;
    return mean;
}

Map z_of(std::vector<Map> const& maps, Map const& mean) {
    auto const n = static_cast<double>(maps.size());
    Map z(mean.size(), std::nan(""));
    for (std::size_t i = 0; i < mean.size() && maps.size() > 1; ++i) {
        double squares = 0.0;
        for (Map const& map : maps)
            squares += (map[i] - mean[i]) * (map[i] - mean[i]);
        double const error = std::sqrt(squares / (n - 1.0) / n);
        z[i] = error > 0.0 ? mean[i] / error : mean[i] == 0.0 ? 0.0 : std::nan("");
    }
    return z;
}

Map scores_of(Map const& contrast, Map const& topic_change, double eps) {
    Map out(contrast.size());
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = contrast[i] / (topic_change[i] + eps);
    return out;
}

void count_top(Map const& scores, std::int64_t top, Map& counts) {
    auto const order = order_by_magnitude(scores);
    for (std::size_t i = 0; i < std::min(order.size(), static_cast<std::size_t>(top)); ++i)
        counts[static_cast<std::size_t>(order[i])] += 1.0;
}

std::vector<PromptPair> pairs_for(AuditCondition condition, AuditPrompts const& prompts,
                                  NdArray<double> const& shares) {
    auto pairs = audit_pairs(condition, prompts, who_needs_routing_sensitivity);
    for (PromptPair const pair : pairs) {
        for (std::int64_t const p : {pair.a, pair.b}) {
            GATESWEEP_VALIDATE(
                !std::isnan(shares.row(p)[0]), ExitCode::bad_data,
                "arrays/routing_shares.npy: has nothing of prompt {} (the audit was of other groups than "
                "\"{}\" and \"{}\"): run the job anew with these as [analysis] benign and malicious, or "
                "leave routing-sensitivity out",
                p, printable(prompts.roles.benign), printable(prompts.roles.malicious));
        }
    }
    return pairs;
}

}  // namespace

RoutingSensitivity routing_sensitivity(AnalysisInput const& input) {
    NdArray<double> const& shares = input.audit.shares;
    GATESWEEP_VALIDATE(
        !shares.values.empty(), ExitCode::bad_data,
        "arrays/routing_shares.npy: the run did not measure this (the provider routing-sensitivity needs "
        "it): run the job anew with [audit], or leave the provider out");
    AuditPrompts const prompts{input.prompt_ids, input.groups, input.metadata, input.parameters,
                               input.audit.parameters};
    auto const matched = differences(shares, pairs_for(AuditCondition::matched, prompts, shares), true);
    auto const topics = differences(shares, pairs_for(AuditCondition::topic, prompts, shares), false);
    RoutingSensitivity out;
    out.num_layers = shares.shape[1], out.num_experts = shares.shape[2];
    out.top = input.parameters.top;
    double const eps = 0.05 / static_cast<double>(out.num_experts);
    out.contrast = mean_of(matched, every_row(matched.size()));
    out.z = z_of(matched, out.contrast);
    out.topic_change = mean_of(topics, every_row(topics.size()));
    out.score = scores_of(out.contrast, out.topic_change, eps);

    std::int64_t const num_resamples = input.scores.bootstrap;
    auto const of_matched = resampled_audit_pairs(AuditCondition::matched, matched.size(), num_resamples);
    auto const of_topics = resampled_audit_pairs(AuditCondition::topic, topics.size(), num_resamples);
    out.resampled.shape = {num_resamples, out.num_layers, out.num_experts};
    if (num_resamples > 0) out.share_in_top.assign(out.score.size(), 0.0);
    for (std::size_t b = 0; b < of_matched.size(); ++b) {
        Map const scores = scores_of(mean_of(matched, of_matched[b]), mean_of(topics, of_topics[b]), eps);
        count_top(scores, out.top, out.share_in_top);
        out.resampled.values.insert(out.resampled.values.end(), scores.begin(), scores.end());
    }
    for (double& count : out.share_in_top)
        count /= static_cast<double>(num_resamples);
    out.order = order_by_magnitude(out.score);
    std::ranges::stable_partition(out.order,
                                  [&](std::int64_t i) { return out.is_stable(static_cast<std::size_t>(i)); });
    return out;
}

CsvTable routing_sensitivity_table(AnalysisInput const& input) {
    RoutingSensitivity const found = routing_sensitivity(input);
    CsvTable table = new_table("routing_sensitivity");
    auto const cell = [](double value) { return std::isnan(value) ? std::string() : to_cell(value); };
    for (std::size_t i = 0; i < found.score.size(); ++i) {
        auto const index = static_cast<std::int64_t>(i);
        table.add(input.moe_layers.layer(index / found.num_experts), index % found.num_experts, found.contrast[i],
                  cell(found.z[i]), found.topic_change[i], std::abs(found.score[i]), found.top,
                  found.share_in_top.empty() ? std::string() : to_cell(found.share_in_top[i]),
                  found.is_stable(i) ? 1 : 0);
    }
    return table;
}

}  // namespace gatesweep
