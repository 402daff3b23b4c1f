// Every kind of failure, of every rank, in every phase: the job ends soon, with a code that is not 0, and names the
// rank. A selection by default; all of them with GATESWEEP_SOAK=1.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "failures/small_job.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/rank_failure.h"

namespace gatesweep {
namespace {

constexpr double time_limit = 10;  // seconds from the failure to the end, the watchdog's three included
constexpr int num_phases = static_cast<int>(RunPhase::report) + 1;

// Of the small job; the others are disturbed where they are tested (audit_run_test, harden_run_test).
bool is_run(RunPhase phase) {
    return phase != RunPhase::audit && phase != RunPhase::harden;
}

struct Case {
    FailureKind kind;
    RunPhase phase;
    int rank, ranks;

    std::string plan() const { return fmt::format("{}@{}/{}", to_string(kind), to_string(phase), rank); }
};
void PrintTo(Case const& c, std::ostream* out) {
    *out << c.plan();
}

std::vector<Case> cases() {
    char const* const soak = std::getenv("GATESWEEP_SOAK");
    std::vector<Case> list;
    auto const kinds = all_failure_kinds();
    for (int p = 0; p < num_phases; ++p) {
        if (!is_run(static_cast<RunPhase>(p))) continue;
        for (std::size_t k = 0; k < kinds.size(); ++k) {
            for (int ranks : {2, 3}) {
                for (int rank = 0; rank < ranks; ++rank) {
                    // One of each phase, all kinds and ranks among them.
                    bool const chosen = ranks == 2 + p % 2 && rank == p / 2 % ranks &&
                                        k == static_cast<std::size_t>(p * 5 + p / 6) % kinds.size();
                    if (soak || chosen) list.push_back({kinds[k], static_cast<RunPhase>(p), rank, ranks});
                }
            }
        }
    }
    return list;
}

int exit_code_of(FailureKind kind) {
    switch (kind) {
        case FailureKind::throw_error:
            return static_cast<int>(ExitCode::internal);
        case FailureKind::exit:
            return 3;
        case FailureKind::kill:
            return 128 + SIGKILL;
        case FailureKind::segv:
            return 128 + SIGSEGV;
        default:
            return static_cast<int>(ExitCode::io);
    }
}

// What the user must be able to read. Ends without a word of ours are told by mpirun.
std::vector<std::string> words_of(Case const& c) {
    std::string const rank = fmt::format("rank {} on node", c.rank), phase(to_string(c.phase));
    bool const early = c.phase <= RunPhase::inputs;
    switch (c.kind) {
        case FailureKind::throw_error: {
            std::vector<std::string> words = {"error: failed on purpose at event 0 of " + phase};
            if (c.rank > 0 && c.phase > RunPhase::start)
                words.push_back(fmt::format("[rank {} of {}]", c.rank, c.ranks));
            return words;
        }
        case FailureKind::exit:
            return {fmt::format(",1],{}]", c.rank), "Exit code:    3"};
        case FailureKind::kill:
            return {fmt::format("process rank {} with PID", c.rank), "signal 9"};
        case FailureKind::segv:
            return {fmt::format("process rank {} with PID", c.rank), "signal 11"};
        case FailureKind::stop:
            // It may have had no second to leave a trace.
            if (early) return {fmt::format("error: rank {} ", c.rank), "gives no sign of life"};
            return {rank, "gives no sign of life, last seen in " + phase};
        case FailureKind::hang:
            return {rank, "computes without a step for", "in " + phase};
    }
    return {};
}

// Seconds of a whole run in which nothing fails, and at which the watchdog does not bark: machines are slow and busy.
double seconds_undisturbed() {
    static double const seconds = [] {
        auto const result = SmallJob().run(3, {{"GATESWEEP_WATCHDOG", "3"}}, 120);
        EXPECT_EQ(result.exit_code, 0) << result.output;
        return result.seconds;
    }();
    return seconds;
}

class RankFailures : public testing::TestWithParam<Case> {};

TEST_P(RankFailures, EndTheJobWithAName) {
    Case const& c = GetParam();
    SmallJob const small;
    auto const result = small.run(c.ranks, {{"GATESWEEP_FAIL", c.plan()}, {"GATESWEEP_WATCHDOG", "3"}}, 4 * time_limit);
    SCOPED_TRACE(result.output);
    EXPECT_FALSE(result.timed_out);
    EXPECT_EQ(result.exit_code, exit_code_of(c.kind));
    EXPECT_LT(result.seconds, time_limit + seconds_undisturbed());
    RecordProperty("seconds", std::to_string(result.seconds));
    for (auto const& word : words_of(c))
        EXPECT_NE(result.output.find(word), std::string::npos) << "not said: " << word;
}

std::string name_of_case(testing::TestParamInfo<Case> const& info) {
    Case const& c = info.param;
    return fmt::format("{}_in_{}_rank_{}_of_{}", to_string(c.kind), to_string(c.phase), c.rank, c.ranks);
}

INSTANTIATE_TEST_SUITE_P(Phases, RankFailures, testing::ValuesIn(cases()), name_of_case);

}  // namespace
}  // namespace gatesweep
