// The life of MPI in this process.
#pragma once

#include <optional>
#include <string>

#include "gatesweep/base/error.h"
#include "gatesweep/comm/communicator.h"
#include "gatesweep/comm/watchdog.h"

namespace gatesweep {

// Starts MPI when the process was started by a launcher (mpirun, srun), and ends it. First in, last out. In between a
// watchdog looks after this rank, and the rank dies with its launcher. Error: usage for a bad GATESWEEP_WATCHDOG or
// GATESWEEP_FAIL.
class MpiSession {
public:
    MpiSession(int& argc, char**& argv);
    ~MpiSession();
    MpiSession(MpiSession const&) = delete;
    MpiSession& operator=(MpiSession const&) = delete;

    Communicator world() const { return world_; }
    // Ends every rank of the job with this exit code; the others may be inside a collective.
    [[noreturn]] void abort(ExitCode code) const;
    // Collective, at the end of a rank's work: the largest of all ranks' exit codes. Does not return under a launcher
    // where that is not 0: the job ends with it, and the launcher has nothing to explain.
    int end_together(int code) const;

private:
    void guard();

    bool started_ = false;
    Communicator world_;
    std::optional<Watchdog> watchdog_;
};

std::string mpi_library_version();

}  // namespace gatesweep
