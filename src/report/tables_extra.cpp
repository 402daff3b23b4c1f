// Tables beside those of the paper: summaries of blocks of layers, how stable a rank or a threshold is, marked experts.
#include "gatesweep/report/tables.h"

namespace gatesweep {

CsvTable layer_summary_table(AnalysisResult const& result) {
    CsvTable table;
    table.name = "layer_summary";
    table.header = {"signal",
                    "aggregator",
                    "group",
                    "block",
                    "first_layer",
                    "last_layer",
                    "mean_dominant",
                    "max_dominant",
                    "argmax_layer",
                    "mean_top2_sum",
                    "mean_entropy",
                    "mean_effective_experts",
                    "min_effective_experts",
                    "mean_active_experts"};
    for (SignalAnalysis const& analysis : result.signals()) {
        for (Aggregator const aggregator : {Aggregator::mean_of_prompts, Aggregator::of_mean_map}) {
            for (GroupAnalysis const& group : analysis.groups) {
                for (BlockSummary const& block : summarise_blocks(group.layers(aggregator))) {
                    table.add(to_string(analysis.signal), to_string(aggregator), group.group, block.block,
                              block.first_layer, block.last_layer, block.mean_dominant, block.max_dominant,
                              block.argmax_layer, block.mean_top2_sum, block.mean_entropy, block.mean_effective_experts,
                              block.min_effective_experts, block.mean_active_experts);
                }
            }
        }
    }
    return table;
}

CsvTable top_frequency_table(AnalysisResult const& result) {
    CsvTable table;
    table.name = "top_frequency";
    table.header = {"signal", "group", "layer", "expert", "num_prompts_in_top", "fraction"};
    for (SignalAnalysis const& analysis : result.signals()) {
        for (GroupAnalysis const& group : analysis.groups) {
            auto const num_prompts = static_cast<double>(group.prompts.size());
            std::size_t index = 0;
            for (std::int64_t l = 0; l < result.num_layers; ++l) {
                for (std::int64_t e = 0; e < result.num_experts; ++e) {
                    std::int64_t const count = group.num_prompts_in_top[index++];
                    table.add(to_string(analysis.signal), group.group, l, e, count,
                              static_cast<double>(count) / num_prompts);
                }
            }
        }
    }
    return table;
}

CsvTable threshold_sensitivity_table(AnalysisResult const& result) {
    CsvTable table;
    table.name = "threshold_sensitivity";
    table.header = {"signal", "gap_threshold", "min", "label", "count"};
    for (SignalAnalysis const& analysis : result.signals()) {
        for (SensitivityRow const& row : analysis.sensitivity) {
            for (std::size_t i = 0; i < all_expert_classes.size(); ++i) {
                table.add(to_string(analysis.signal), row.thresholds.gap, row.thresholds.min,
                          to_string(all_expert_classes[i]), row.counts[i]);
            }
        }
    }
    return table;
}

CsvTable marked_experts_table(AnalysisResult const& result) {
    CsvTable table;
    table.name = "marked_experts";
    table.header = {"signal", "layer", "expert", "benign_mean", "malicious_mean", "gap", "rank_by_abs_gap", "label"};
    for (MarkedExpert const& expert : result.marked) {
        table.add(expert.signal, expert.id.layer, expert.id.expert, expert.benign_mean, expert.malicious_mean,
                  expert.gap, expert.rank_by_abs_gap, expert.label);
    }
    return table;
}

}  // namespace gatesweep
