// What each command does once the ranks are up. Every rank calls the same function.
#pragma once

#include "gatesweep/base/error.h"
#include "gatesweep/comm/communicator.h"
#include "options.h"

namespace gatesweep {

void run_job(Options const& options, Communicator const& world);
// Prints the table of checks; ExitCode::internal when one fails.
ExitCode verify_job(Options const& options, Communicator const& world);
void print_info(Communicator const& world);

}  // namespace gatesweep
