// Every table of a run, from the analysis: one builder per file, and one function that writes them all.
//
// Columns are a contract: new ones are added at the end, none is renamed. Layers and experts count from 0; a number
// that does not exist is an empty cell. Row order is part of the contract too, so that equal runs give equal bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/store/run_directory.h"

namespace gatesweep {

// Rows: signals in the order of terms/signal_kind.h, groups in the order in which the prompts name them, then layer,
// expert (or rank).
CsvTable expert_scores_table(AnalysisResult const& result);
CsvTable top_experts_table(AnalysisResult const& result, std::int64_t top);
// Per signal and group: level prompt (one row each, prompt_index filled), group (the mean map), prompt_mean. Levels
// other than 80, 90 and 95 % are added at the end as k50, k97.5.
CsvTable coverage_table(AnalysisResult const& result);
CsvTable layers_table(AnalysisResult const& result);
CsvTable classes_table(SignalAnalysis const& analysis);
CsvTable class_counts_table(AnalysisResult const& result);
CsvTable overlap_table(AnalysisResult const& result, std::int64_t top);
// block all | late (the last quarter of the layers)
CsvTable layer_summary_table(AnalysisResult const& result);
// All experts: num_prompts_in_top, of the group's prompts, hold it among their own first `top`.
CsvTable top_frequency_table(AnalysisResult const& result);
CsvTable threshold_sensitivity_table(AnalysisResult const& result);
CsvTable marked_experts_table(AnalysisResult const& result);

// All of the above and prompts; marked_experts only when experts are marked, and the tables of score providers that
// need no screen (provider_tables.h) only where the job names some.
std::vector<CsvTable> signal_tables(AnalysisInput const& input, AnalysisResult const& result);
// Those as files of the run; tables that no longer apply are removed.
void write_tables(AnalysisInput const& input, AnalysisResult const& result, RunDirectory& run);

}  // namespace gatesweep
