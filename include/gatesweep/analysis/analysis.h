// From what was measured for each prompt to everything that the tables say. Pure: no files, no ranks, no model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatesweep/analysis/audit_input.h"
#include "gatesweep/analysis/classification.h"
#include "gatesweep/analysis/imported_scores.h"
#include "gatesweep/analysis/layer_metrics.h"
#include "gatesweep/analysis/pair_input.h"
#include "gatesweep/analysis/provider_scores.h"
#include "gatesweep/analysis/ranking.h"
#include "gatesweep/analysis/score_maps.h"
#include "gatesweep/base/nd_array.h"
#include "gatesweep/terms/analysis_parameters.h"
#include "gatesweep/terms/measure.h"
#include "gatesweep/terms/score_parameters.h"

namespace gatesweep {

// Columns of the prompt files that play no part in a prompt: what its writers said of it.
struct PromptMetadata {
    std::vector<std::string> columns;            // their names, without "meta_"
    std::vector<std::vector<std::string>> rows;  // [P][columns]; empty where a file lacks the column

    // The values of a column by prompt. Errors: ExitCode::job for one that is not there, with those that are.
    std::vector<std::string> column(std::string const& name) const;
};

// Row p of everything is one prompt.
struct AnalysisInput {
    std::vector<std::string> prompt_ids;   // [P]
    std::vector<std::string> groups;       // [P] the group of each prompt; groups need not lie together
    std::vector<std::int64_t> num_tokens;  // [P]
    std::vector<double> losses;            // [P] mean next-token cross-entropy; NaN where there is no next token
    PromptMetadata metadata;
    NdArray<std::int64_t> activation_counts;  // [P, L, E]
    NdArray<double> gradient_scores;          // [P, L, E]
    PairInput pairs;                          // of [[pairs]]
    AuditInput audit;                         // of [audit]
    ImportedMaps imported;                    // of [scores] import
    Measures measures;                        // what the job's score providers need beside the signals
    MoeLayers moe_layers;                     // what the rows of L are
    std::int64_t top_k = 0;                   // experts per token; 0: unknown, taken from the first prompt
    AnalysisParameters parameters;
    ScoreParameters scores;
    std::vector<ExpertId> marks;  // experts the user wants named, wherever they rank; repeated ones count once
};

// One signal of one group.
struct GroupAnalysis {
    std::string group;
    std::vector<std::int64_t> prompts;  // its rows, ascending
    GroupMaps maps;
    std::vector<RankedExpert> ranking;             // of the mean map, all experts
    Coverage group_coverage;                       // of the mean map; levels as in AnalysisResult::levels
    std::vector<Coverage> prompt_coverage;         // one of each of `prompts`
    Coverage prompt_mean_coverage;                 // the mean of those
    std::vector<LayerMetrics> mean_of_prompts;     // [L]
    std::vector<LayerMetrics> of_mean_map;         // [L]
    std::vector<std::int64_t> num_prompts_in_top;  // [L * E] prompts whose own first `top` ranks hold the expert

    std::vector<LayerMetrics> const& layers(Aggregator aggregator) const {
        return aggregator == Aggregator::mean_of_prompts ? mean_of_prompts : of_mean_map;
    }
};

// One signal: every group, and the two groups compared.
struct SignalAnalysis {
    SignalKind signal = SignalKind::activation;
    std::vector<GroupAnalysis> groups;  // in the order in which the prompts name them
    Thresholds thresholds;
    std::vector<ClassifiedExpert> classes;  // by layer, then expert
    ClassCounts class_counts{};
    std::vector<ExpertId> overlap;  // in the first `top` ranks of both mean maps
    std::vector<SensitivityRow> sensitivity;
};

// An expert that the user named, in one signal.
struct MarkedExpert {
    SignalKind signal = SignalKind::activation;
    ExpertId id;
    double benign_mean = 0.0;
    double malicious_mean = 0.0;
    double gap = 0.0;
    std::int64_t rank_by_abs_gap = 0;  // from 1, among all experts; equal gaps by layer, then expert
    ExpertClass label = ExpertClass::uncertain;
};

struct AnalysisResult {
    std::int64_t num_layers = 0;  // with a router
    std::int64_t num_experts = 0;
    std::int64_t top_k = 0;
    std::vector<double> levels;             // 0.80, 0.90, 0.95, then the job's other levels in its order
    std::vector<SignalAnalysis> signals;    // one of each kind, in the order of signal_kinds
    std::vector<MarkedExpert> marked;       // by signal, then as marked
    std::vector<ProviderScores> providers;  // in the order of the job
    MoeLayers moe_layers;                   // the input's

    SignalAnalysis const& of(SignalKind kind) const { return signals[static_cast<std::size_t>(kind)]; }
    SignalAnalysis& of(SignalKind kind) { return signals[static_cast<std::size_t>(kind)]; }
};

// Errors: bad_data, naming prompt, layer and expert, for a count below 0 or above the prompt's tokens, a layer whose
// counts do not sum to top_k x num_tokens, a gradient score that is negative, NaN or infinite, and arrays or lists
// whose lengths do not agree, or a mark outside the model; ExitCode::job for parameters that name a group without
// prompts, name one group twice, or hold a level outside (0, 1].
AnalysisResult analyze(AnalysisInput const& input);

}  // namespace gatesweep
