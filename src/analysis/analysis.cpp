#include "gatesweep/analysis/analysis.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gatesweep/base/error.h"
#include "prompt_maps.h"
#include "validate_input.h"

namespace gatesweep {
namespace {

struct Group {
    std::string name;
    std::vector<std::int64_t> prompts;
};

std::vector<Group> groups_of(std::vector<std::string> const& group_of_prompt) {
    std::vector<Group> groups;
    for (std::size_t p = 0; p < group_of_prompt.size(); ++p) {
        auto found = std::find_if(groups.begin(), groups.end(),
                                  [&](auto const& group) { return group.name == group_of_prompt[p]; });
        if (found == groups.end()) found = groups.insert(groups.end(), {group_of_prompt[p], {}});
        found->prompts.push_back(static_cast<std::int64_t>(p));
    }
    return groups;
}

std::vector<double> all_levels(std::vector<double> const& wanted) {
    std::vector<double> levels = {0.80, 0.90, 0.95};
    for (double const level : wanted) {
        bool const known =
            std::any_of(levels.begin(), levels.end(), [&](double l) { return std::abs(l - level) < 1e-12; });
        if (!known) levels.push_back(level);
    }
    return levels;
}

GroupAnalysis analyze_group(Group const& group, NdArray<double> const& maps, std::vector<double> const& levels,
                            std::int64_t top, MoeLayers const& moe_layers) {
    GroupAnalysis result;
    result.group = group.name;
    result.prompts = group.prompts;
    result.maps = group_maps(maps, group.prompts);
    MapView const mean = result.maps.mean.view();
    result.ranking = rank_experts(mean, moe_layers);
    result.group_coverage = coverage(result.ranking, levels);
    result.num_prompts_in_top.resize(mean.values.size());
    for (std::int64_t const prompt : group.prompts) {
        auto const ranking = rank_experts(prompt_map(maps, prompt), moe_layers);
        result.prompt_coverage.push_back(coverage(ranking, levels));
        for (ExpertId const id : top_experts(ranking, top)) {
            ++result.num_prompts_in_top[static_cast<std::size_t>(moe_layers.row(id.layer) * mean.num_experts +
                                                                 id.expert)];
        }
    }
    result.prompt_mean_coverage = mean_coverage(result.prompt_coverage);
    result.mean_of_prompts = mean_layer_metrics(maps, group.prompts, mean);
    result.of_mean_map = layer_metrics(mean);
    return result;
}

GroupAnalysis const& find_group(SignalAnalysis const& analysis, std::string const& name) {
    return *std::find_if(analysis.groups.begin(), analysis.groups.end(),
                         [&](auto const& group) { return group.group == name; });
}

SignalAnalysis analyze_signal(SignalKind signal, NdArray<double> const& maps, std::vector<Group> const& groups,
                              std::vector<double> const& levels, AnalysisInput const& input) {
    AnalysisParameters const& parameters = input.parameters;
    SignalAnalysis result;
    result.signal = signal;
    result.thresholds = parameters.limits(signal);
    for (Group const& group : groups)
        result.groups.push_back(analyze_group(group, maps, levels, parameters.top, input.moe_layers));
    GroupAnalysis const& benign = find_group(result, parameters.benign);
    GroupAnalysis const& malicious = find_group(result, parameters.malicious);
    MapView const benign_map = benign.maps.mean.view();
    MapView const malicious_map = malicious.maps.mean.view();
    result.classes = classify_experts(benign_map, malicious_map, result.thresholds, input.moe_layers);
    result.class_counts = count_classes(result.classes);
    result.overlap = top_overlap(benign.ranking, malicious.ranking, parameters.top);
    result.sensitivity = threshold_sensitivity(benign_map, malicious_map, result.thresholds);
    return result;
}

void add_marked(std::vector<MarkedExpert>& marked, SignalAnalysis const& analysis, std::vector<ExpertId> const& marks,
                AnalysisResult const& result) {
    auto const& experts = analysis.classes;
    std::vector<std::size_t> order(experts.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return experts[a].abs_gap > experts[b].abs_gap; });
    std::vector<std::int64_t> rank(experts.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        rank[order[i]] = static_cast<std::int64_t>(i) + 1;
    for (ExpertId const id : marks) {
        auto const index = static_cast<std::size_t>(result.moe_layers.row(id.layer) * result.num_experts + id.expert);
        ClassifiedExpert const& expert = experts[index];
        marked.push_back({analysis.signal, id, expert.benign, expert.malicious, expert.gap, rank[index], expert.label});
    }
}

std::vector<MarkedExpert> mark_experts(AnalysisInput const& input, AnalysisResult const& result) {
    std::vector<ExpertId> marks;
    for (ExpertId const id : input.marks) {
        if (std::find(marks.begin(), marks.end(), id) == marks.end()) marks.push_back(id);
    }
    std::vector<MarkedExpert> marked;
    for (SignalAnalysis const& analysis : result.signals)
        add_marked(marked, analysis, marks, result);
    return marked;
}

}  // namespace

AnalysisResult analyze(AnalysisInput const& input) {
    AnalysisResult result;
    result.top_k = validated_top_k(input);
    result.num_layers = input.activation_counts.shape[1];
    result.num_experts = input.activation_counts.shape[2];
    result.moe_layers = input.moe_layers;
    result.levels = all_levels(input.parameters.coverage);
    auto const groups = groups_of(input.groups);
    for (SignalFacts const& signal : signal_kinds) {
        result.signals.push_back(
            analyze_signal(signal.kind, prompt_maps(signal.kind, input), groups, result.levels, input));
    }
    result.marked = mark_experts(input, result);
    result.providers = provider_scores(input);
    return result;
}

}  // namespace gatesweep
