// The command line: one command, its arguments, nothing else. Everything about a run stands in the job file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gatesweep/base/log.h"
#include "gatesweep/run/job_request.h"

namespace gatesweep {

enum class Command {
    run,
    harden,
    plan,
    tokens,
    status,
    verify,
    analyze,
    relabel,
    report,
    compare,
    labels,
    judge_validate,
    merge,
    export_results,
    try_set,
    init,
    schema,
    completion,
    man,
    info
};

// `out`: run, labels, analyze, relabel, export, merge: where results go; plan: a finished run to plan from, or empty.
struct Options : JobRequest {
    Command command = Command::info;
    bool in_place = false;               // analyze, relabel: results replace those of the run
    std::filesystem::path merge;         // harden: where the hardened checkpoint goes, whole; empty: nowhere
    std::filesystem::path folder;        // status, analyze, relabel, report, compare, labels: a run's; merge: a model's
    std::filesystem::path adapter;       // merge: the folder of the adapter
    std::filesystem::path other_folder;  // compare: the second run's
    bool count_only = false;             // status: print the number of committed records and nothing else
    std::int64_t sample_prompts = 4;     // verify: the shortest and the longest of each group, this many each
    std::int64_t sample_entries = 64;    // verify: gate weights compared with finite differences
    bool published = false;              // verify: compare with published numbers instead
    std::filesystem::path labelled_file;  // judge-validate: instead of the job's; empty: the job's
    // labels, export: beside the baseline; empty: the strongest set, all
    std::vector<std::string> trial_ids;
    std::string format;                     // export: one of export_formats()
    std::filesystem::path model;            // try, init: a checkpoint
    std::filesystem::path benign, harmful;  // init: prompt files
    std::string prompt;                     // try: what is asked
    std::string suppress;                   // try: the set, "2:5,3:1"; empty: none
    std::string mode = "mask";              // try: of the edit
    double bias = 0.0;                      // try: what mode bias adds; 0: not given
    bool activate = false;                  // try: mode steer the other way
    std::int64_t new_tokens = 64;           // try: at most so many
    std::string shell;                      // completion: bash or zsh
    bool is_raw = false;                    // try: without the chat template
    std::int64_t label_limit = 0;           // labels: prompts of each group; 0: all
    std::uint64_t label_seed = 1;           // labels: of the order
    std::int64_t num_ranks = 0;             // plan: for so many; 0: one copy of the model
    std::filesystem::path cluster;          // plan: the description of a machine to predict times on, or empty
    std::int64_t num_nodes = 1;             // plan: over so many nodes
    std::int64_t prompt_limit = 0;          // tokens: the first so many prompts; 0: all
    double token_rate = 0.0;                // plan: measured tokens per second; 0: not given
    LogLevel log_level = LogLevel::info;
    bool as_events = false;  // --json: what is said goes to standard output as JSON lines
};

// What parsing came to: options to act on, or text to print and an exit code.
struct ParsedOptions {
    std::optional<Options> options;
    std::string text;
    int exit_code = 0;
};

ParsedOptions parse_options(int argc, char const* const* argv);

}  // namespace gatesweep
