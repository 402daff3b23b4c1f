#include "gatesweep/base/rank_failure.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "gatesweep/base/error.h"
#include "rank_failure_point.h"

namespace gatesweep {

std::atomic<bool> rank_failure_armed = false;

namespace {

constexpr std::array<std::pair<FailureKind, std::string_view>, 6> kind_names = {{{FailureKind::throw_error, "throw"},
                                                                                 {FailureKind::exit, "exit"},
                                                                                 {FailureKind::kill, "kill"},
                                                                                 {FailureKind::segv, "segv"},
                                                                                 {FailureKind::stop, "stop"},
                                                                                 {FailureKind::hang, "hang"}}};

// Of the main thread alone: events are its.
RankFailure planned;
std::int64_t num_matched = 0;

template <class T>
bool parse_whole(std::string_view text, T& value) {
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() && value >= 0;
}

[[noreturn]] void sleep_for_ever() {
    while (true)
        ::pause();
}

[[noreturn]] void fail_now(RankFailure const& failure) {
    switch (failure.kind) {
        case FailureKind::throw_error:
            fail(ExitCode::internal, "failed on purpose at event {} of {} (GATESWEEP_FAIL asks for it): unset it",
                 failure.at, to_string(failure.phase));
        case FailureKind::exit:
            std::_Exit(3);
        case FailureKind::kill:
            ::raise(SIGKILL);
            break;
        case FailureKind::segv:
            ::raise(SIGSEGV);
            break;
        case FailureKind::stop:
            std::this_thread::sleep_for(std::chrono::seconds(1));  // its pulse shall still tell of the phase
            ::raise(SIGSTOP);
            break;
        case FailureKind::hang:
            break;
    }
    sleep_for_ever();
}

}  // namespace

std::string_view to_string(FailureKind kind) {
    return kind_names.at(static_cast<std::size_t>(kind)).second;
}

std::vector<FailureKind> all_failure_kinds() {
    std::vector<FailureKind> kinds;
    for (auto const& [kind, name] : kind_names)
        kinds.push_back(kind);
    return kinds;
}

RankFailure parse_rank_failure(std::string_view text) {
    RankFailure failure;
    auto const at = text.find('@'), slash = text.rfind('/');
    bool valid =
        at != text.npos && slash != text.npos && at < slash && parse_whole(text.substr(slash + 1), failure.rank);
    if (valid) {
        std::string_view place = text.substr(at + 1, slash - at - 1);
        if (auto const colon = place.find(':'); colon != place.npos) {
            valid = parse_whole(place.substr(colon + 1), failure.at);
            place = place.substr(0, colon);
        }
        auto const phase = parse_run_phase(place);
        bool known = false;
        for (auto const& [kind, name] : kind_names) {
            if (name != text.substr(0, at)) continue;
            failure.kind = kind;
            known = true;
        }
        valid = valid && phase && known;
        if (phase) failure.phase = *phase;
    }
    GATESWEEP_VALIDATE(
        valid, ExitCode::usage,
        "failure \"{}\" is not HOW@PHASE[:N]/RANK (it would test nothing): unset GATESWEEP_FAIL, or write for "
        "example kill@signals:3/1",
        printable(text));
    return failure;
}

void arm_rank_failure(int rank) {
    char const* const text = std::getenv("GATESWEEP_FAIL");
    if (text == nullptr || *text == '\0') return;
    planned = parse_rank_failure(text);
    num_matched = 0;
    rank_failure_armed = planned.rank == rank;
}

void fail_if_due(RunPhase phase) {
    if (phase == planned.phase && num_matched++ == planned.at) fail_now(planned);
}

}  // namespace gatesweep
