// Signals to the launcher, and its death.
#include <gtest/gtest.h>

#include <algorithm>

#include "failures/small_job.h"

namespace gatesweep {
namespace {

// A run of three ranks held in a collective by one of them.
struct HeldRun {
    SmallJob small;
    std::future<ChildResult> job =
        small.start(3, {{"GATESWEEP_FAIL", "hang@sweep/1"}, {"GATESWEEP_WATCHDOG", "60"}}, 120);
    std::vector<int> ranks;
    int launcher = 0;

    HeldRun() {
        for (Pulse const& pulse : small.pulses_in(3, RunPhase::load))
            ranks.push_back(pulse.process);
        EXPECT_TRUE(comes_true(
            60, [&] { return std::filesystem::exists(small.folder() / "out" / "tables" / "layer_summary.csv"); }));
        std::this_thread::sleep_for(std::chrono::seconds(1));
        if (!ranks.empty()) launcher = parent_of(ranks.front());
    }
    bool all_gone() const {
        return std::all_of(ranks.begin(), ranks.end(), [](int process) { return is_gone(process); });
    }
};

TEST(Launcher, TakesItsRanksWithItWhenItIsKilled) {
    HeldRun held;
    ASSERT_GT(held.launcher, 1);
    ASSERT_EQ(::kill(held.launcher, SIGKILL), 0);
    EXPECT_TRUE(comes_true(2, [&] { return held.all_gone(); }));
    held.job.get();
}

TEST(Launcher, EndsRanksInACollectiveOnATermination) {
    HeldRun held;
    ASSERT_GT(held.launcher, 1);
    ASSERT_EQ(::kill(held.launcher, SIGTERM), 0);
    EXPECT_TRUE(comes_true(4, [&] { return held.all_gone(); }));
    EXPECT_NE(held.job.get().exit_code, 0);
}

TEST(Launcher, EndsAtOnceOnASecondInterrupt) {
    HeldRun held;
    ASSERT_GT(held.launcher, 1);
    ASSERT_EQ(::kill(held.launcher, SIGINT), 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    ::kill(held.launcher, SIGINT);
    EXPECT_TRUE(comes_true(2, [&] { return held.all_gone(); }));
    EXPECT_NE(held.job.get().exit_code, 0);
}

}  // namespace
}  // namespace gatesweep
