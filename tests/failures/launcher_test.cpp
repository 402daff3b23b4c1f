// Signals to the launcher, and its death.
#include <gtest/gtest.h>

#include <algorithm>

#include "failures/small_job.h"
#include "gatesweep/base/error.h"

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

// What a launcher says of an end that is no success would stand around the message, which says more.
void expect_one_message(ChildResult const& result, ExitCode code) {
    EXPECT_EQ(result.exit_code, static_cast<int>(code)) << result.output;
    std::string text = result.output;
    ASSERT_TRUE(text.ends_with('\n')) << text;
    text.pop_back();
    std::string const last = text.substr(text.rfind('\n') + 1);
    EXPECT_TRUE(last.starts_with("error: ") || last.starts_with("stopped   ")) << result.output;
    for (char const* word : {"MPI_ABORT", "ORTE", "mpirun", "mpiexec", "-----"})
        EXPECT_EQ(text.find(word), text.npos) << result.output;
    EXPECT_EQ(text.find("error: "), text.rfind("error: ")) << "once: " << result.output;
}

TEST(Launcher, HasNothingToSayOfARefusal) {
    for (int i = 0; i < 3; ++i) {
        SmallJob const small;
        small.replace_in_job("sizes = [1, 2]", "sizes = [0]");
        expect_one_message(small.run(2, {}, 60), ExitCode::job);
        small.replace_in_job("sizes = [0]", "sizes = [1]");
        std::filesystem::resize_file(small.folder() / "benign.csv", 0);
        expect_one_message(small.run(3, {}, 60), ExitCode::bad_data);
        std::filesystem::remove_all(small.folder() / "model");
        expect_one_message(small.run(2, {}, 60), ExitCode::input_missing);
    }
}

TEST(Launcher, HasNothingToSayOfARankThatFailsAmongOthersAtWork) {
    SmallJob const small;
    expect_one_message(small.run(2, {{"GATESWEEP_FAIL", "throw@sweep/1"}}, 60), ExitCode::internal);
}

TEST(Launcher, HasNothingToSayOfACleanStop) {
    SmallJob const small;
    small.lengthen();
    auto job = small.start(2, {{"GATESWEEP_WATCHDOG", "30"}}, 120);
    auto const pulses = small.pulses_in(2, RunPhase::signals);
    ASSERT_EQ(pulses.size(), 2u);
    for (Pulse const& pulse : pulses)
        ::kill(pulse.process, SIGUSR1);
    expect_one_message(job.get(), ExitCode::stopped);
}

}  // namespace
}  // namespace gatesweep
