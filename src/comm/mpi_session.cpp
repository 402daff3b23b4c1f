#include "gatesweep/comm/mpi_session.h"

#include <dlfcn.h>
#include <mpi.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "comm/communicator_handle.h"
#include "gatesweep/base/activity.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/rank_failure.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/comm/launcher.h"

namespace gatesweep {
namespace {

// Ends every rank; the launcher exits with `code`. A launcher explains each end that is not a success in frames of its
// own around our message, which says more: Open MPI's abort without its frame is a function below MPI_Abort.
void end_job(int code) {
    std::fflush(nullptr);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the launcher forwards our last words
    using Abort = int (*)(MPI_Comm, int);
    if (auto const quiet = reinterpret_cast<Abort>(::dlsym(RTLD_DEFAULT, "ompi_mpi_abort")))
        quiet(MPI_COMM_WORLD, code);
    MPI_Abort(MPI_COMM_WORLD, code);
}

}  // namespace

MpiSession::MpiSession(int& argc, char**& argv) {
    if (!started_by_launcher()) {
        refuse_lonely_slurm_tasks();
        guard();
        return;
    }
    die_with_launcher();
    yield_when_oversubscribed();
    int provided = 0;
    GATESWEEP_VALIDATE(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided) == MPI_SUCCESS,
                       ExitCode::unavailable,
                       "MPI could not be started (ranks could not meet): check the launcher and its MPI");
    started_ = true;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    world_ = Communicator(std::make_shared<Communicator::Handle const>(MPI_COMM_WORLD, false));
    guard();
}

MpiSession::~MpiSession() {
    world_ = Communicator();
    WaitingMark const mark("MPI_Finalize");
    if (started_) MPI_Finalize();
}

void MpiSession::guard() {
    fail_once(world_, [&] {
        double const limit = watchdog_limit();
        arm_rank_failure(world_.rank());
        watchdog_.emplace(world_.rank(), world_.size(), limit);
    });
    share_early_pulses(world_);
    fail_once(world_, [] { enter_phase(RunPhase::start); });
}

void MpiSession::abort(ExitCode code) const {
    if (started_) end_job(static_cast<int>(code));
    std::_Exit(static_cast<int>(code));
}

int MpiSession::end_together(int code) const {
    int const worst = static_cast<int>(world_.all_reduce_max(code));
    if (started_ && worst != 0) end_job(worst);
    return worst;
}

std::string mpi_library_version() {
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
    int length = 0;
    MPI_Get_library_version(text, &length);
    std::string version(text, static_cast<std::size_t>(length));
    return version.substr(0, version.find(','));
}

}  // namespace gatesweep
