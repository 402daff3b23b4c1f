// The watchdog at work on real runs: it names a stopped rank, and is silent about ranks that only take their time.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <random>
#include <regex>

#include "failures/small_job.h"
#include "gatesweep/comm/watchdog.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

TEST(Watchdog, NamesAStoppedRankAndEndsTheJob) {
    std::mt19937 random(testing::UnitTest::GetInstance()->random_seed());
    int const ranks = 3, guilty = static_cast<int>(random() % ranks);
    SmallJob const small;
    small.lengthen();
    auto job = small.start(ranks, {{"GATESWEEP_WATCHDOG", "3"}}, 120);
    auto const pulses = small.pulses_in(ranks, RunPhase::signals);
    ASSERT_FALSE(testing::Test::HasFailure()) << job.get().output;
    ASSERT_EQ(::kill(pulses[static_cast<std::size_t>(guilty)].process, SIGSTOP), 0);
    ChildResult const result = job.get();
    SCOPED_TRACE(result.output);
    EXPECT_FALSE(result.timed_out);
    EXPECT_EQ(result.exit_code, 74);
    EXPECT_NE(result.output.find("error: " + pulses[static_cast<std::size_t>(guilty)].who() +
                                 " gives no sign of life, last seen in "),
              std::string::npos);
}

TEST(Watchdog, NamesTheUnitInWork) {
    SmallJob const small;
    auto const result = small.run(2, {{"GATESWEEP_WATCHDOG", "3"}, {"GATESWEEP_FAIL", "hang@signals:5/1"}}, 60);
    SCOPED_TRACE(result.output);
    EXPECT_EQ(result.exit_code, 74);
    EXPECT_NE(result.output.find("computes without a step for"), std::string::npos);
    EXPECT_TRUE(std::regex_search(result.output, std::regex("in signals, [0-9]+ of [0-9]+ tokens")));
}

TEST(Watchdog, WorksWithoutALauncher) {
    SmallJob const small;
    auto const result =
        run_child({GATESWEEP_BINARY, "run", "job.toml", "--out", "out"}, small.folder(), small.folder() / "output.txt",
                  {{"GATESWEEP_WATCHDOG", "1"}, {"GATESWEEP_FAIL", "hang@signals:1/0"}}, 60);
    SCOPED_TRACE(result.output);
    EXPECT_EQ(result.exit_code, 74);
    EXPECT_NE(result.output.find("rank 0 on node"), std::string::npos);
    EXPECT_NE(result.output.find("in signals"), std::string::npos);
}

// While inputs are read there is no run folder in which ranks could see each other.
TEST(Watchdog, NamesARankThatStoppedBeforeTheRunFolder) {
    SmallJob const small;
    auto job = small.start(
        3, {{"GATESWEEP_WATCHDOG", "3"}, {"GATESWEEP_FAIL", "hang@inputs/0"}, {"TMPDIR", small.folder().string()}},
        120);
    std::optional<Pulse> pulse;
    EXPECT_TRUE(comes_true(60, [&] {
        auto const folder = small.early_pulses();
        if (!folder.empty()) pulse = read_pulse(folder, 1);
        return pulse && pulse->activity.phase == RunPhase::inputs;
    }));
    if (pulse) ::kill(pulse->process, SIGSTOP);
    ChildResult const result = job.get();
    SCOPED_TRACE(result.output);
    ASSERT_TRUE(pulse);
    EXPECT_EQ(result.exit_code, 74);
    EXPECT_NE(result.output.find("error: " + pulse->who() + " gives no sign of life, last seen in inputs"),
              std::string::npos);
    EXPECT_EQ(small.early_pulses(), "") << "is left behind";
}

// A scheduler may put a whole job to sleep and wake it again.
TEST(Watchdog, LetsASuspendedJobGoOn) {
    SmallJob const small;
    small.lengthen();
    auto job = small.start(2, {{"GATESWEEP_WATCHDOG", "3"}}, 240);
    auto const pulses = small.pulses_in(2, RunPhase::signals);
    ASSERT_FALSE(testing::Test::HasFailure()) << job.get().output;
    for (Pulse const& pulse : pulses)
        ::kill(pulse.process, SIGSTOP);
    std::this_thread::sleep_for(std::chrono::seconds(6));
    for (Pulse const& pulse : pulses)
        ::kill(pulse.process, SIGCONT);
    ChildResult const result = job.get();
    EXPECT_EQ(result.exit_code, 0) << result.output;
    EXPECT_FALSE(std::filesystem::exists(pulse_path(small.log(), 0))) << "a run that ended well has no pulse";
}

TEST(Watchdog, SaysThatTheRunFolderDoesNotAnswer) {
    SmallJob const small;
    small.run(2, {{"GATESWEEP_FAIL", "throw@analysis/0"}}, 60);  // leaves a run's folder
    std::filesystem::remove(pulse_path(small.log(), 1));
    ASSERT_EQ(::mkfifo(pulse_path(small.log(), 1).c_str(), 0644), 0);  // who opens it to write waits for ever
    auto const result = small.run(2, {{"GATESWEEP_WATCHDOG", "2"}, {"GATESWEEP_FAIL", "hang@signals/1"}}, 60);
    SCOPED_TRACE(result.output);
    EXPECT_EQ(result.exit_code, 74);
    EXPECT_NE(result.output.find("does not answer"), std::string::npos);
}

TEST(Watchdog, RefusesAnOddLimit) {
    for (auto const* text : {"-1", "0.5", "ten", "5s", "1e300", "nan"}) {
        ::setenv("GATESWEEP_WATCHDOG", text, 1);
        EXPECT_ERROR(watchdog_limit(), ExitCode::usage, "GATESWEEP_WATCHDOG", text, "or 0 for no limit");
    }
    ::setenv("GATESWEEP_WATCHDOG", "0", 1);
    EXPECT_EQ(watchdog_limit(), 0);
    ::unsetenv("GATESWEEP_WATCHDOG");
    EXPECT_EQ(watchdog_limit(), 600);
}

TEST(Watchdog, AnOddLimitIsOneMessage) {
    SmallJob const small;
    auto const result = small.run(2, {{"GATESWEEP_WATCHDOG", "soon"}}, 60);
    EXPECT_EQ(result.exit_code, 64) << result.output;
    auto const first = result.output.find("error: GATESWEEP_WATCHDOG=soon");
    ASSERT_NE(first, std::string::npos) << result.output;
    EXPECT_EQ(result.output.find("error: ", first + 1), std::string::npos) << result.output;
}

}  // namespace
}  // namespace gatesweep
