// The measured part of a run folder, enough to analyse again without the model:
// arrays/activation_counts.npy, arrays/gradient_scores.npy, those of the measures (terms/measure.h) that the job's
// score providers needed, and tables/prompts.csv, row by row the same prompts.
#pragma once

#include <filesystem>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/store/run_directory.h"

namespace gatesweep {

// prompt_index,prompt_id,group,num_tokens,loss
CsvTable prompts_table(AnalysisInput const& input);

// The arrays alone.
void write_measured(AnalysisInput const& input, RunDirectory& run);
void write_signals(AnalysisInput const& input, RunDirectory& run);

// Everything of the input but its parameters. input_missing for a file that is not there, bad_data, naming the file,
// for one that is damaged or does not belong to the others.
AnalysisInput read_signals(std::filesystem::path const& folder);

}  // namespace gatesweep
