// What the exports read of a run folder: its tables, checked, its job and manifest, and replies trial by trial.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "app/options.h"
#include "gatesweep/input/job.h"
#include "gatesweep/report/run_view.h"
#include "gatesweep/store/completions.h"
#include "gatesweep/store/manifest.h"

namespace gatesweep {

// A trial that is exported, with its row of tables/trials.csv for each group.
struct ExportedTrial {
    std::string id;
    std::string experts;  // "7:5 12:1", with values as "7:5=+1"
    std::vector<TrialResult const*> results;

    TrialResult const& first() const { return *results.front(); }
    nlohmann::ordered_json facts() const;  // id, name, kind, mode, scope, experts: what other tools keep as metadata
};

// A reply, and what belongs beside it.
struct ExportedReply {
    StoredCompletion reply;
    StoredCompletion const* baseline = nullptr;  // of the same prompt
    std::string prompt;                          // the user's words
};

struct ExportedRun {
    RunView view;
    Job job;
    Manifest manifest;
    std::vector<ExportedTrial> trials;  // in the order of the table; empty without a sweep
    // Columns of the prompt files, by prompt: those that have a value.
    std::vector<std::map<std::string, std::string>> metadata;

    std::filesystem::path const& folder() const { return view.folder; }
    std::string model_name() const;     // the last part of the model's path
    std::string date_for_file() const;  // when the run ended, "2026-11-03T09-30-00"
};

// Errors: those of read_run; bad_data for a run that is not complete; usage for a trial that it does not have.
// Without `options.trial_ids` all trials, else the baseline and those.
ExportedRun read_exported_run(Options const& options);

// Errors: input_missing for a run without a sweep, which has no replies; `format` is for the message.
void require_sweep(ExportedRun const& run, std::string_view format);

// Calls with all replies of each exported trial, the baseline's first. One trial's are in memory beside the baseline's.
// Errors: bad_data for a file in another order, or with replies to prompts that the baseline has not.
void for_each_trial(ExportedRun const& run,
                    std::function<void(ExportedTrial const&, std::vector<ExportedReply> const&)> const& visit);

// One line of a file: no spaces, U+FFFD for bytes that are no UTF-8.
std::string json_text(nlohmann::ordered_json const& value);
// A number, or null for what was not measured: JSON has no NaN.
nlohmann::ordered_json json_number(double value);
// Letters, digits and "_" alone, as file names and names of tasks have them.
std::string plain_name(std::string_view text);

}  // namespace gatesweep
