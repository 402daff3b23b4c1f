// Nothing waits for ever: a watchdog beside the main thread of every rank ends the job, with a message that names the
// rank, its phase and where in it, when no rank has made progress for a while.
//
// It never calls MPI (the main thread may be stuck in it). Ranks see each other through pulse files; what ends the job
// is the exit of one rank without farewell, after which the launcher kills the others, stopped ones too.
#pragma once

#include <filesystem>
#include <memory>

namespace gatesweep {

class Communicator;

// GATESWEEP_WATCHDOG: seconds without progress of any rank, from 1 up, 0 for no watchdog; 600 when unset. Error: usage.
double watchdog_limit();

// From now on pulses go to this folder, made when missing, and a hang can be blamed on the right rank. Every rank calls
// it with the same folder. Process-wide, since it is found long after the watchdog has started.
void share_pulses(std::filesystem::path const& folder);

// The same in the folder that the launcher has on a node for the job (PMIX_SERVER_TMPDIR; mpirun and Slurm remove it,
// also after a rank was killed), for what comes before the run has its own and for commands that have none. Nothing
// where ranks are on several nodes. All ranks.
void share_early_pulses(Communicator const& world);

class Watchdog {
public:
    // Watches the thread that makes it. No watchdog for limit 0.
    Watchdog(int rank, int num_ranks, double limit);
    // Removes the pulse. Does not wait for a file system that does not answer.
    ~Watchdog();
    Watchdog(Watchdog const&) = delete;
    Watchdog& operator=(Watchdog const&) = delete;

    struct State;  // shared with its threads, which may be stuck in a file system when this one ends

private:
    std::shared_ptr<State> state_;
};

}  // namespace gatesweep
