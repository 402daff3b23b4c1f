// A failure on purpose of one rank at one event of a phase (base/activity.h), so that a test can walk through every
// rank and phase of a run and see the job end with a name. Nothing happens unless the environment asks for it:
//   GATESWEEP_FAIL=HOW@PHASE[:N]/RANK     HOW as in to_string, N the event of the phase, from 0; "throw@signals:3/1"
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gatesweep/base/activity.h"

namespace gatesweep {

enum class FailureKind {
    throw_error,  // an Error, as any other
    exit,         // the process ends by itself, without a word
    kill,         // SIGKILL, as from the system when memory runs out
    segv,         // SIGSEGV
    stop,         // SIGSTOP: the process is there and does nothing, nor does its watchdog
    hang,         // the main thread sleeps for ever
};
std::string_view to_string(FailureKind kind);
std::vector<FailureKind> all_failure_kinds();

struct RankFailure {
    FailureKind kind = FailureKind::throw_error;
    RunPhase phase = RunPhase::start;
    std::int64_t at = 0;
    int rank = 0;
};
// ExitCode::usage for anything else than the form above.
RankFailure parse_rank_failure(std::string_view text);

// Reads the environment; nothing when the failure is another rank's. Call once the rank is known. Error: usage.
void arm_rank_failure(int rank);

}  // namespace gatesweep
