// What each command does once the ranks are up. Every rank calls the same function.
#pragma once

#include <string>
#include <vector>

#include "gatesweep/base/error.h"
#include "gatesweep/comm/communicator.h"
#include "options.h"

namespace gatesweep {

void run_job(Options const& options, Communicator const& world);  // run, and harden
// Prints the table of checks; ExitCode::internal when one fails.
ExitCode verify_job(Options const& options, Communicator const& world);
void print_info(Communicator const& world);

// Collective: every rank holds a part of the experts.
void try_set(Options const& options, Communicator const& world);

// Collective: a judge works on every rank.
void relabel_run(Options const& options, Communicator const& world);
void validate_judge(Options const& options, Communicator const& world);

// Work of rank 0 alone.
void plan_job(Options const& options,
              int num_ranks);                   // plans for the ranks it is started over, unless options name others
ExitCode print_status(Options const& options);  // ok, or stopped for a run that is not complete
void print_tokens(Options const& options);
void analyze_run(Options const& options);
void report_run(Options const& options);
void compare_runs(Options const& options);
void make_labels(Options const& options);
void merge_adapter(Options const& options);
void export_run(Options const& options);
std::vector<std::string> export_formats();  // the words of --format
void print_first_job(Options const& options);
void print_schema();

}  // namespace gatesweep
