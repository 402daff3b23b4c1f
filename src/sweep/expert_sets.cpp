#include "expert_sets.h"

#include <algorithm>

#include "gatesweep/base/error.h"

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

std::vector<ExpertId> by_smallest_gap(std::span<ClassifiedExpert const> experts) {
    std::vector<ClassifiedExpert> all(experts.begin(), experts.end());
    std::stable_sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.abs_gap < b.abs_gap; });
    return ids_of(all);
}

}  // namespace gatesweep
