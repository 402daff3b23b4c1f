// The folder of a run, for the commands that work on what is stored in it.
#pragma once

#include <filesystem>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/input/job.h"
#include "gatesweep/store/manifest.h"

namespace gatesweep {

// Errors: input_missing for a folder that does not exist, bad_data for one that is no run's.
void validate_run_folder(std::filesystem::path const& folder);

// Files that are missing or not what the run wrote: those with digests in the manifest, and job.toml where it asks for
// something else (paths of the model and the prompts may be another machine's).
std::vector<std::string> files_changed_since(std::filesystem::path const& folder, Manifest const& manifest);
// There are none. Errors: bad_data, naming them and what to do.
void validate_unchanged(std::filesystem::path const& folder, Manifest const& manifest);

// What was measured, with the parameters of a job, marked experts included. Errors: those of validate_run_folder and
// read_signals; of the list of marked experts.
AnalysisInput read_stored_input(std::filesystem::path const& folder, Job const& job);

}  // namespace gatesweep
