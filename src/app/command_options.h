// Private to the command line: options and help of every command.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "options.h"

namespace gatesweep {

// "" for a name, else what is wrong with it: for CLI::Option::check.
inline std::string not_empty(std::string const& name) {
    return name.empty() ? "the name is empty: write that of a folder" : "";
}

void add_job_options(CLI::App& command, Options& options);  // the job file, --set
void add_run_options(CLI::App& command, Options& options);
void add_harden_options(CLI::App& command, Options& options);
void add_verify_options(CLI::App& command, Options& options);
void add_plan_options(CLI::App& command, Options& options);
void add_tokens_options(CLI::App& command, Options& options);
void add_status_options(CLI::App& command, Options& options);
void add_analyze_options(CLI::App& command, Options& options);
void add_relabel_options(CLI::App& command, Options& options);
void add_report_options(CLI::App& command, Options& options);
void add_compare_options(CLI::App& command, Options& options);
void add_labels_options(CLI::App& command, Options& options);
void add_merge_options(CLI::App& command, Options& options);
void add_judge_validate_options(CLI::App& command, Options& options);
void add_export_options(CLI::App& command, Options& options);
void add_try_options(CLI::App& command, Options& options);
void add_init_options(CLI::App& command, Options& options);
void add_schema_options(CLI::App& command);
void add_completion_options(CLI::App& command, Options& options);

}  // namespace gatesweep
