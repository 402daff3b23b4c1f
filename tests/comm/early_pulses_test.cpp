// Pulses in the launcher's folder, before a run has its own: every rank's is there, and they give way to the run's.
#include <gtest/gtest.h>

#include <boost/serialization/string.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include "gatesweep/comm/communicator.h"
#include "gatesweep/comm/pulse.h"
#include "gatesweep/comm/watchdog.h"
#include "mpi_main.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

// The same on all ranks.
bool all_see(std::function<bool()> const& condition) {
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    bool seen = false;
    while (!(seen = condition()) && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return world().all_reduce_min(seen ? 1 : 0) == 1;
}

std::int64_t num_beating(fs::path const& folder) {
    std::int64_t beating = 0;
    for (int r = 0; r < world().size(); ++r)
        beating += read_pulse(folder, r) ? 1 : 0;
    return beating;
}

TEST(EarlyPulses, GiveWayToThoseOfTheRun) {
    TemporaryFolder const own;
    std::string place = own.path().string();  // rank 0's
    world().broadcast_value(place, 0);
    fs::path const early = place, log = early / "log";
    ::setenv("PMIX_SERVER_TMPDIR", place.c_str(), 1);                        // MPI has read it
    std::int64_t const expected = world().size() == 1 ? 0 : world().size();  // one rank has nobody to be seen by

    share_early_pulses(world());
    EXPECT_TRUE(all_see([&] { return num_beating(early) == expected; }));
    world().barrier();
    share_pulses(log);
    EXPECT_TRUE(all_see([&] { return num_beating(log) == world().size(); }));
    EXPECT_EQ(num_beating(early), 0);
    world().barrier();  // rank 0's folder goes last
}

}  // namespace
}  // namespace gatesweep
