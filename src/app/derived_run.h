// Results made anew from what a run measured, without its model: `analyze --set` and `relabel`.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/input/job.h"
#include "gatesweep/store/run_directory.h"
#include "options.h"

namespace gatesweep {

// A run to start from, and the job that is asked for.
struct Derivation {
    std::string command;                 // "analyze"
    std::filesystem::path source;        // the run's folder
    std::filesystem::path target;        // the same for --in-place
    std::vector<std::string> arguments;  // of the command, for the manifest
    Manifest manifest;                   // of the source
    std::string manifest_digest;
    Job job;                           // with the changes
    std::vector<std::string> changes;  // "analysis.top: was 10, is 5"
};

// Checks everything that can be checked before anything is computed. `sections`: the parts of the job that may change,
// as "analysis.". Errors: usage for another key, for --out with --in-place, and for neither where that would replace
// results; bad_data for a run that is not complete, or whose files are not as it left them; cannot_create for a target
// that holds results; those of load_stored_job.
Derivation read_derivation(Options const& options, std::string command, std::vector<std::string_view> const& sections);

// On the terminal.
void say_changes(std::vector<std::string> const& changes);

// job.toml and manifest.json in a new folder, for `status` while the work goes on.
void begin_derived(Derivation const& derivation, RunDirectory& run);

// Takes over tables, arrays and replies of the source, but for the files `rewritten`; `write` then leaves what is made
// anew. Then job.toml, manifest.json with where the numbers come from, figures, report and COMPLETE.
void write_derived(Derivation const& derivation, std::vector<std::string> const& rewritten, RunDirectory& run,
                   std::function<void(RunDirectory&)> const& write);

}  // namespace gatesweep
