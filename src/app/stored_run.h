// The folder of a run, for the commands that work on what is stored in it.
#pragma once

#include <filesystem>

#include "gatesweep/analysis/analysis.h"

namespace gatesweep {

// Errors: input_missing for a folder that does not exist, bad_data for one that is no run's.
void validate_run_folder(std::filesystem::path const& folder);

// What was measured, with the parameters of the run's own job.toml, marked experts included. Errors: those of
// validate_run_folder, read_signals and load_analysis_job.
AnalysisInput read_stored_input(std::filesystem::path const& folder);

// Result lines as `run` prints them, from the tables, on standard output.
void print_headline(std::filesystem::path const& folder);

}  // namespace gatesweep
