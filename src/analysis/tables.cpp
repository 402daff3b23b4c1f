#include "gatesweep/analysis/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "gatesweep/analysis/group_layers.h"
#include "gatesweep/analysis/provider_tables.h"
#include "gatesweep/analysis/risk_difference.h"
#include "gatesweep/analysis/routing_sensitivity.h"
#include "gatesweep/analysis/stored_signals.h"
#include "gatesweep/store/table_catalogue.h"

namespace gatesweep {
namespace {

constexpr std::size_t num_fixed_levels = 3;  // k80, k90, k95

// Calls add(signal name, group analysis) for every signal and group.
template <class Add>
void for_each_group(AnalysisResult const& result, Add&& add) {
    for (SignalAnalysis const& analysis : result.signals) {
        for (GroupAnalysis const& group : analysis.groups)
            add(to_string(analysis.signal), group);
    }
}

}  // namespace

CsvTable expert_scores_table(AnalysisResult const& result) {
    CsvTable table = new_table("expert_scores");
    for_each_group(result, [&](std::string_view signal, GroupAnalysis const& group) {
        MapView const mean = group.maps.mean.view();
        MapView const std = group.maps.std.view();
        for (std::int64_t l = 0; l < mean.num_layers; ++l) {
            for (std::int64_t e = 0; e < mean.num_experts; ++e) {
                table.add(signal, group.group, result.moe_layers.layer(l), e, mean.at(l, e), std.at(l, e));
            }
        }
    });
    return table;
}

CsvTable top_experts_table(AnalysisResult const& result, std::int64_t top) {
    CsvTable table = new_table("top_experts");
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
    CsvTable table = new_table("coverage");
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
    CsvTable table = new_table("layers");
    for (SignalAnalysis const& analysis : result.signals) {
        for (Aggregator const aggregator : {Aggregator::mean_of_prompts, Aggregator::of_mean_map}) {
            for (GroupAnalysis const& group : analysis.groups) {
                std::int64_t row = 0;
                for (LayerMetrics const& m : group.layers(aggregator)) {
                    table.add(to_string(analysis.signal), to_string(aggregator), group.group,
                              result.moe_layers.layer(row++), m.dominant_expert, m.dominant, m.top2_sum, m.entropy,
                              m.effective_experts, m.active_experts);
                }
            }
        }
    }
    return table;
}

CsvTable classes_table(SignalAnalysis const& analysis) {
    CsvTable table = new_table(fmt::format("classes_{}", to_string(analysis.signal)));
    for (ClassifiedExpert const& expert : analysis.classes) {
        table.add(expert.id.layer, expert.id.expert, expert.benign, expert.malicious, expert.gap, expert.abs_gap,
                  to_string(expert.label));
    }
    return table;
}

CsvTable class_counts_table(AnalysisResult const& result) {
    CsvTable table = new_table("class_counts");
    for (SignalAnalysis const& analysis : result.signals) {
        for (std::size_t i = 0; i < all_expert_classes.size(); ++i) {
            table.add(to_string(analysis.signal), to_string(all_expert_classes[i]), analysis.class_counts[i]);
        }
    }
    return table;
}

CsvTable overlap_table(AnalysisResult const& result, std::int64_t top) {
    CsvTable table = new_table("overlap");
    for (SignalAnalysis const& analysis : result.signals) {
        table.add(to_string(analysis.signal), top, analysis.overlap.size(), to_string(analysis.overlap));
    }
    return table;
}

CsvTable layer_summary_table(AnalysisResult const& result) {
    CsvTable table = new_table("layer_summary");
    for (SignalAnalysis const& analysis : result.signals) {
        for (Aggregator const aggregator : {Aggregator::mean_of_prompts, Aggregator::of_mean_map}) {
            for (GroupAnalysis const& group : analysis.groups) {
                for (BlockSummary const& block : summarise_blocks(group.layers(aggregator))) {
                    table.add(to_string(analysis.signal), to_string(aggregator), group.group, block.block,
                              result.moe_layers.layer(block.first_layer), result.moe_layers.layer(block.last_layer),
                              block.mean_dominant, block.max_dominant, result.moe_layers.layer(block.argmax_layer),
                              block.mean_top2_sum, block.mean_entropy, block.mean_effective_experts,
                              block.min_effective_experts, block.mean_active_experts);
                }
            }
        }
    }
    return table;
}

CsvTable top_frequency_table(AnalysisResult const& result) {
    CsvTable table = new_table("top_frequency");
    for (SignalAnalysis const& analysis : result.signals) {
        for (GroupAnalysis const& group : analysis.groups) {
            auto const num_prompts = static_cast<double>(group.prompts.size());
            std::size_t index = 0;
            for (std::int64_t l = 0; l < result.num_layers; ++l) {
                for (std::int64_t e = 0; e < result.num_experts; ++e) {
                    std::int64_t const count = group.num_prompts_in_top[index++];
                    table.add(to_string(analysis.signal), group.group, result.moe_layers.layer(l), e, count,
                              static_cast<double>(count) / num_prompts);
                }
            }
        }
    }
    return table;
}

CsvTable threshold_sensitivity_table(AnalysisResult const& result) {
    CsvTable table = new_table("threshold_sensitivity");
    for (SignalAnalysis const& analysis : result.signals) {
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
    CsvTable table = new_table("marked_experts");
    for (MarkedExpert const& expert : result.marked) {
        table.add(to_string(expert.signal), expert.id.layer, expert.id.expert, expert.benign_mean,
                  expert.malicious_mean, expert.gap, expert.rank_by_abs_gap, to_string(expert.label));
    }
    return table;
}

std::vector<CsvTable> signal_tables(AnalysisInput const& input, AnalysisResult const& result) {
    std::int64_t const top = input.parameters.top;
    std::vector<CsvTable> tables = {
        prompts_table(input),           expert_scores_table(result),
        top_experts_table(result, top), coverage_table(result),
        layers_table(result),           class_counts_table(result),
        overlap_table(result, top),     layer_summary_table(result),
        top_frequency_table(result),    threshold_sensitivity_table(result),
    };
    for (SignalAnalysis const& analysis : result.signals)
        tables.push_back(classes_table(analysis));
    if (!input.pairs.is_empty())
        tables.push_back(risk_difference_table(input.pairs, input.moe_layers, input.scores.bootstrap));
    if (!input.audit.is_empty()) tables.push_back(audit_table(input.audit, input.moe_layers, input.scores.bootstrap));
    if (input.scores.has(routing_sensitivity_word)) tables.push_back(routing_sensitivity_table(input));
    if (!result.marked.empty()) tables.push_back(marked_experts_table(result));
    if (!result.providers.empty()) {
        tables.push_back(providers_table(result.providers, result.moe_layers));
        tables.push_back(provider_agreement_table(result.providers, top));
        tables.push_back(group_layers_table(input));
    }
    return tables;
}

void write_tables(AnalysisInput const& input, AnalysisResult const& result, RunDirectory& run) {
    for (CsvTable const& table : signal_tables(input, result))
        run.write_table(table.name, table);
    if (result.marked.empty()) run.remove_table("marked_experts");
    if (!input.scores.has(routing_sensitivity_word)) run.remove_table("routing_sensitivity");
    if (!result.providers.empty()) return;
    for (char const* const name : {"providers", "provider_agreement", "provider_screen", "group_layers"})
        run.remove_table(name);
}

}  // namespace gatesweep
