// Progress of a phase over all ranks: a bar with the time left on a terminal, plain lines elsewhere. Rank 0 shows it,
// every rank tells its watchdog (base/activity.h).
#pragma once

#include <chrono>
#include <cstdint>

#include "gatesweep/base/activity.h"
#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/comm/shared_counts.h"

namespace gatesweep {

// Whether a rank's counts are part of the sum. Ranks that hold one copy of the model together and count the work of the
// copy count it once.
enum class CountsAs { part_of_sum, same_as_another };
// Of work that the ranks of a copy do together.
CountsAs counts_as(ParallelLayout const& layout);

class Progress {
public:
    // `unit` must live for ever: a literal. On every rank, in the same order.
    Progress(RunPhase phase, char const* unit, Communicator const& world, CountsAs counts = CountsAs::part_of_sum);
    // This rank's share.
    void update(std::int64_t done, std::int64_t all);
    // Collective, when the phase is over: shows the whole of it.
    void finish();
    double seconds() const;

private:
    void show(Counts counts);

    RunPhase phase_;
    char const* unit_;
    SharedCounts shared_;
    CountsAs counts_;
    bool is_shown_;
    bool is_terminal_;
    std::chrono::steady_clock::time_point start_, last_;
};

}  // namespace gatesweep
