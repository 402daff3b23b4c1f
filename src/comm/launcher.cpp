#include "gatesweep/comm/launcher.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>

#include "gatesweep/base/error.h"

namespace gatesweep {

bool started_by_launcher() {
    for (char const* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS"}) {
        if (std::getenv(name)) return true;
    }
    return false;
}

void refuse_lonely_slurm_tasks() {
    char const* const tasks = std::getenv("SLURM_STEP_NUM_TASKS");
    GATESWEEP_VALIDATE(!tasks || std::atoi(tasks) <= 1, ExitCode::unavailable,
                       "srun started {} tasks without an MPI connection between them (each would run the whole job): "
                       "use srun --mpi=pmix, or mpirun inside the allocation",
                       tasks ? tasks : "");
}

void yield_when_oversubscribed() {
    char const* const local = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    long const cores = ::sysconf(_SC_NPROCESSORS_ONLN);
    if (local && std::atol(local) > cores) ::setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
}

void die_with_launcher() {
    pid_t const parent = ::getppid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // It may have gone before the kernel knew. Gone before the first line, MPI will not find it either and fails.
    if (::getppid() != parent) ::raise(SIGKILL);
}

}  // namespace gatesweep
