#include "gatesweep/base/activity.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "gatesweep/base/rank_failure.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

TEST(Activity, SaysWhereTheMainThreadIs) {
    enter_phase(RunPhase::signals);
    EXPECT_EQ(current_activity().place(), "signals");
    note_unit(3, 7, "batches");
    EXPECT_EQ(current_activity().place(), "signals, 3 of 7 batches");
    {
        WaitingMark const mark("MPI_Barrier");
        EXPECT_EQ(current_activity().waiting_in, "MPI_Barrier");
    }
    EXPECT_EQ(current_activity().waiting_in, "");
    enter_phase(RunPhase::sweep);
    EXPECT_EQ(current_activity().place(), "sweep") << "a new phase has counted nothing yet";
}

TEST(Activity, CountsEverySignOfProgress) {
    auto const before = current_activity().num_events;
    enter_phase(RunPhase::load);
    note_step();
    note_unit(1, 2, "tensors");
    { WaitingMark const mark("MPI_Bcast"); }
    EXPECT_EQ(current_activity().num_events, before + 5);
}

TEST(Activity, NamesPhasesAsTheyAreParsed) {
    for (int p = 0; p <= static_cast<int>(RunPhase::report); ++p) {
        auto const phase = static_cast<RunPhase>(p);
        EXPECT_EQ(parse_run_phase(to_string(phase)), phase);
    }
    EXPECT_FALSE(parse_run_phase("signal"));
}

TEST(RankFailure, IsParsed) {
    RankFailure const failure = parse_rank_failure("kill@signals:3/12");
    EXPECT_EQ(failure.kind, FailureKind::kill);
    EXPECT_EQ(failure.phase, RunPhase::signals);
    EXPECT_EQ(failure.at, 3);
    EXPECT_EQ(failure.rank, 12);
    for (FailureKind kind : all_failure_kinds()) {
        EXPECT_EQ(parse_rank_failure(std::string(to_string(kind)) + "@load/0").kind, kind);
    }
    for (auto const* text : {"", "kill", "kill@load", "kill@load/", "kill@load/-1", "kill@load:/1", "kill@load:x/1",
                             "kill@nowhere/1", "die@load/1", "/1", "@/", "kill/1@load", "kill@load/1 "}) {
        EXPECT_ERROR(parse_rank_failure(text), ExitCode::usage, "GATESWEEP_FAIL", "kill@signals:3/1");
    }
}

TEST(RankFailure, HappensAtItsEventOfItsPhaseOnItsRank) {
    ::setenv("GATESWEEP_FAIL", "throw@texts:2/1", 1);
    arm_rank_failure(0);
    enter_phase(RunPhase::texts);
    for (int i = 0; i < 5; ++i)
        note_step();

    arm_rank_failure(1);
    enter_phase(RunPhase::sweep);
    for (int i = 0; i < 5; ++i)
        note_step();
    enter_phase(RunPhase::texts);
    note_step();
    EXPECT_ERROR(note_step(), ExitCode::internal, "failed on purpose at event 2 of texts");
    note_step();  // once
    ::unsetenv("GATESWEEP_FAIL");
    arm_rank_failure(1);
}

}  // namespace
}  // namespace gatesweep
