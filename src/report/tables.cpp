#include "gatesweep/report/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "gatesweep/analysis/stored_signals.h"

namespace gatesweep {
namespace {

constexpr std::size_t num_fixed_levels = 3;  // k80, k90, k95

CsvTable table_with(std::string name, std::vector<std::string> header) {
    CsvTable table;
    table.name = std::move(name);
    table.header = std::move(header);
    return table;
}

// Calls add(signal name, group analysis) for every signal and group.
template <class Add>
void for_each_group(AnalysisResult const& result, Add&& add) {
    for (SignalAnalysis const& analysis : result.signals()) {
        for (GroupAnalysis const& group : analysis.groups)
            add(to_string(analysis.signal), group);
    }
}

}  // namespace

CsvTable expert_scores_table(AnalysisResult const& result) {
    CsvTable table = table_with("expert_scores", {"signal", "group", "layer", "expert", "mean", "std"});
    for_each_group(result, [&](std::string_view signal, GroupAnalysis const& group) {
        MapView const mean = group.maps.mean.view();
        MapView const std = group.maps.std.view();
        for (std::int64_t l = 0; l < mean.num_layers; ++l) {
            for (std::int64_t e = 0; e < mean.num_experts; ++e) {
                table.add(signal, group.group, l, e, mean.at(l, e), std.at(l, e));
            }
        }
    });
    return table;
}

CsvTable top_experts_table(AnalysisResult const& result, std::int64_t top) {
    CsvTable table = table_with("top_experts", {"signal", "group", "rank", "layer", "expert", "score",
                                                "cumulative_score", "cumulative_fraction"});
    for_each_group(result, [&](std::string_view signal, GroupAnalysis const& group) {
        auto const count = std::min(static_cast<std::size_t>(top), group.ranking.size());
        for (std::size_t i = 0; i < count; ++i) {
            RankedExpert const& ranked = group.ranking[i];
            table.add(signal, group.group, i + 1, ranked.id.layer, ranked.id.expert, ranked.score,
                      ranked.cumulative_score, ranked.cumulative_fraction);
        }
    });
    return table;
}

CsvTable coverage_table(AnalysisResult const& result) {
    CsvTable table = table_with(
        "coverage", {"signal", "level", "group", "prompt_index", "k80", "k90", "k95", "k_elbow", "top1", "top5"});
    auto const more = std::span(result.levels).subspan(num_fixed_levels);
    for (double const level : more)
        table.header.push_back(fmt::format("k{:.15g}", level * 100.0));
    auto const add = [&](std::string_view signal, std::string_view level, std::string_view group,
                         std::string const& prompt, Coverage const& c) {
        table.add(signal, level, group, prompt, c.k[0], c.k[1], c.k[2], c.k_elbow, c.top1, c.top5);
        for (std::size_t i = num_fixed_levels; i < c.k.size(); ++i)
            table.rows.back().push_back(to_cell(c.k[i]));
    };
    for_each_group(result, [&](std::string_view signal, GroupAnalysis const& group) {
        for (std::size_t i = 0; i < group.prompts.size(); ++i) {
            add(signal, "prompt", group.group, to_cell(group.prompts[i]), group.prompt_coverage[i]);
        }
        add(signal, "group", group.group, "", group.group_coverage);
        add(signal, "prompt_mean", group.group, "", group.prompt_mean_coverage);
    });
    return table;
}

CsvTable layers_table(AnalysisResult const& result) {
    CsvTable table = table_with("layers", {"signal", "aggregator", "group", "layer", "dominant_expert", "dominant",
                                           "top2_sum", "entropy", "effective_experts", "active_experts"});
    for (SignalAnalysis const& analysis : result.signals()) {
        for (Aggregator const aggregator : {Aggregator::mean_of_prompts, Aggregator::of_mean_map}) {
            for (GroupAnalysis const& group : analysis.groups) {
                std::int64_t layer = 0;
                for (LayerMetrics const& m : group.layers(aggregator)) {
                    table.add(to_string(analysis.signal), to_string(aggregator), group.group, layer++,
                              m.dominant_expert, m.dominant, m.top2_sum, m.entropy, m.effective_experts,
                              m.active_experts);
                }
            }
        }
    }
    return table;
}

CsvTable classes_table(SignalAnalysis const& analysis) {
    CsvTable table;
    if (analysis.signal == SignalKind::activation) {
        table = table_with("classes_activation", {"layer", "expert", "benign_avg_score", "malicious_avg_score",
                                                  "safety_gap", "abs_gap", "label"});
    } else {
        table = table_with("classes_gradient", {"layer", "expert", "benign_avg_grad", "malicious_avg_grad",
                                                "safety_gap", "abs_gap", "label"});
    }
    for (ClassifiedExpert const& expert : analysis.classes) {
        table.add(expert.id.layer, expert.id.expert, expert.benign, expert.malicious, expert.gap, expert.abs_gap,
                  to_string(expert.label));
    }
    return table;
}

CsvTable class_counts_table(AnalysisResult const& result) {
    CsvTable table = table_with("class_counts", {"signal", "label", "count"});
    for (SignalAnalysis const& analysis : result.signals()) {
        for (std::size_t i = 0; i < all_expert_classes.size(); ++i) {
            table.add(to_string(analysis.signal), to_string(all_expert_classes[i]), analysis.class_counts[i]);
        }
    }
    return table;
}

CsvTable overlap_table(AnalysisResult const& result, std::int64_t top) {
    CsvTable table = table_with("overlap", {"signal", "top_n", "overlap", "experts"});
    for (SignalAnalysis const& analysis : result.signals()) {
        table.add(to_string(analysis.signal), top, analysis.overlap.size(), to_string(analysis.overlap));
    }
    return table;
}

std::vector<CsvTable> signal_tables(AnalysisInput const& input, AnalysisResult const& result) {
    std::int64_t const top = input.parameters.top;
    std::vector<CsvTable> tables = {
        prompts_table(input),           expert_scores_table(result), top_experts_table(result, top),
        coverage_table(result),         layers_table(result),        classes_table(result.activation),
        classes_table(result.gradient), class_counts_table(result),  overlap_table(result, top),
        layer_summary_table(result),    top_frequency_table(result), threshold_sensitivity_table(result),
    };
    if (!result.marked.empty()) tables.push_back(marked_experts_table(result));
    return tables;
}

void write_tables(AnalysisInput const& input, AnalysisResult const& result, RunDirectory& run) {
    for (CsvTable const& table : signal_tables(input, result))
        run.write_table(table.name, table);
    if (result.marked.empty()) run.remove_table("marked_experts");
}

void write_timings(std::vector<PhaseTiming> const& timings, RunDirectory& run) {
    CsvTable table = table_with("timings", {"phase", "seconds", "tokens", "tokens_per_second"});
    for (PhaseTiming const& timing : timings) {
        bool const has_rate = timing.num_tokens > 0 && timing.seconds > 0.0;
        table.add(timing.phase, timing.seconds, timing.num_tokens > 0 ? to_cell(timing.num_tokens) : "",
                  has_rate ? to_cell(static_cast<double>(timing.num_tokens) / timing.seconds) : "");
    }
    run.write_text("timings.csv", to_csv(table));
}

}  // namespace gatesweep
