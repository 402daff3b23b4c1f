#include "expert_sets.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "gatesweep/base/error.h"
#include "gatesweep/terms/rank_class.h"

namespace gatesweep {
namespace {

std::vector<ExpertId> ids_of(std::vector<ClassifiedExpert> const& experts) {
    std::vector<ExpertId> ids;
    for (auto const& expert : experts)
        ids.push_back(expert.id);
    return ids;
}

}  // namespace

SignalGaps signal_gaps(std::string const& signal, SweepSpec const& sweep, AnalysisParameters const& analysis,
                       AnalysisResult const& result) {
    SignalFacts const* const facts = find_signal(signal);
    GATESWEEP_EXPECT(facts != nullptr);
    Thresholds const& limits = analysis.limits(facts->kind);
    SignalGaps out;
    out.experts = result.of(facts->kind).classes;
    out.min = limits.min;
    GATESWEEP_EXPECT(std::ssize(out.experts) == result.num_layers * result.num_experts);
    auto const given = sweep.gap_thresholds.find(signal);
    out.gap_thresholds = given == sweep.gap_thresholds.end() ? std::vector{limits.gap} : given->second;
    return out;
}

ExpertClass expert_class(std::string const& name) {
    auto const found = std::find_if(all_expert_classes.begin(), all_expert_classes.end(),
                                    [&](ExpertClass label) { return to_string(label) == name; });
    GATESWEEP_EXPECT(found != all_expert_classes.end());
    return *found;
}

std::optional<ExpertClass> opposite(ExpertClass label) {
    switch (label) {
        case ExpertClass::malicious_dominant:
            return ExpertClass::benign_dominant;
        case ExpertClass::benign_dominant:
            return ExpertClass::malicious_dominant;
        case ExpertClass::weak_malicious:
            return ExpertClass::weak_benign;
        case ExpertClass::weak_benign:
            return ExpertClass::weak_malicious;
        case ExpertClass::shared:
        case ExpertClass::uncertain:
            break;
    }
    return std::nullopt;
}

std::vector<ExpertId> ranked_class(std::span<ClassifiedExpert const> experts, ExpertClass label,
                                   Thresholds thresholds) {
    std::vector<ClassifiedExpert> members;
    for (auto const& expert : experts) {
        if (classify(expert.benign, expert.malicious, thresholds) == label) members.push_back(expert);
    }
    std::stable_sort(members.begin(), members.end(),
                     [](auto const& a, auto const& b) { return a.abs_gap > b.abs_gap; });
    return ids_of(members);
}

std::vector<ExpertId> by_rank(std::string const& signal, std::string_view rank_class, AnalysisResult const& result) {
    auto const provider = std::ranges::find(result.providers, signal, &ProviderScores::name);
    std::vector<double> importance, magnitude;
    if (provider != result.providers.end()) {
        importance = provider->importance;
        for (double const score : provider->scores.values)
            magnitude.push_back(std::abs(score));
    } else {
        SignalFacts const* const facts = find_signal(signal);
        GATESWEEP_EXPECT(facts != nullptr);
        for (auto const& expert : result.of(facts->kind).classes)
            magnitude.push_back(expert.abs_gap);
        importance = magnitude;
    }
    std::vector<std::size_t> order(magnitude.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (rank_class == top_class && provider != result.providers.end()) {
        std::ranges::copy(provider->order, order.begin());
    } else if (rank_class == top_class) {
        std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return magnitude[i]; });
    } else {
        std::ranges::stable_sort(order, std::less(), [&](std::size_t i) { return importance[i]; });
    }
    std::vector<ExpertId> out;
    for (std::size_t const i : order) {
        auto const index = static_cast<std::int64_t>(i);
        out.push_back({result.moe_layers.layer(index / result.num_experts), index % result.num_experts});
    }
    return out;
}

std::vector<ExpertId> share_of_layers(std::span<ExpertId const> ranking, double share, AnalysisResult const& result) {
    auto const of_layer = std::llround(share / 100.0 * static_cast<double>(result.num_experts));
    std::map<std::int64_t, std::int64_t> taken;
    std::vector<ExpertId> out;
    for (ExpertId const id : ranking) {
        if (taken[id.layer]++ < of_layer) out.push_back(id);
    }
    return out;
}

std::vector<ExpertId> by_smallest_gap(std::span<ClassifiedExpert const> experts) {
    std::vector<ClassifiedExpert> all(experts.begin(), experts.end());
    std::stable_sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.abs_gap < b.abs_gap; });
    return ids_of(all);
}

}  // namespace gatesweep
