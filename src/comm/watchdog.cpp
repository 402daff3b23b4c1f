#include "gatesweep/comm/watchdog.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gatesweep/base/blocked_call.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/host_name.h"
#include "gatesweep/base/log.h"
#include "gatesweep/comm/communicator.h"
#include "gatesweep/comm/hang.h"
#include "gatesweep/comm/pulse.h"

namespace gatesweep {
namespace {

using Pulses = std::vector<std::optional<Pulse>>;
using Clock = std::chrono::steady_clock;

constexpr double default_limit = 600;
constexpr int ticks_between_looks = 4;  // a living rank has beaten by then, also on a busy machine
constexpr std::chrono::duration<double> first_tick(0.1);
constexpr int max_stagger = 16;  // ticks; ranks look one after the other, so that a folder is not read by all at once
constexpr auto grace = std::chrono::seconds(5);  // for the launcher to end a rank that left the telling to another

struct PulseFolder {
    std::filesystem::path path;  // empty: none yet
    bool is_runs = false;        // not the launcher's
};
struct SharedFolder {
    std::mutex mutex;
    PulseFolder now;
};
SharedFolder& shared_folder() {
    static SharedFolder* const folder = new SharedFolder;  // threads may outlive static objects
    return *folder;
}
PulseFolder pulse_folder() {
    std::lock_guard const lock(shared_folder().mutex);
    return shared_folder().now;
}
void share(PulseFolder const& folder) {
    std::lock_guard const lock(shared_folder().mutex);
    shared_folder().now = folder;
}

}  // namespace

struct Watchdog::State {
    int const rank, num_ranks;
    double const limit;
    std::chrono::duration<double> const tick;
    pid_t const main_thread = static_cast<pid_t>(::syscall(SYS_gettid));

    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
    int threads_left = 2;
    bool look_wanted = false;
    std::optional<Pulses> look;

    State(int r, int n, double l) : rank(r), num_ranks(n), limit(l), tick(std::clamp(l / 12, 0.1, 5.0)) {}

    // False when the watchdog ends.
    bool sleep(std::chrono::duration<double> time) {
        std::unique_lock lock(mutex);
        return !changed.wait_for(lock, time, [&] { return ended; });
    }
    bool sleep_a_tick() { return sleep(tick); }
};

namespace {

using State = Watchdog::State;

// Seconds without an event, counted in ticks that were really lived through: a job that its scheduler suspends for an
// hour and wakes again has not been silent for an hour.
class Silence {
public:
    explicit Silence(double tick) : most_(2 * tick) {}
    double update(std::uint64_t num_events) {
        auto const now = Clock::now();
        seconds_ += std::min(most_, std::chrono::duration<double>(now - last_).count());
        last_ = now;
        if (num_events != num_events_) seconds_ = 0;
        num_events_ = num_events;
        return seconds_;
    }

private:
    double most_, seconds_ = 0;
    std::uint64_t num_events_ = 0;
    Clock::time_point last_ = Clock::now();
};

Pulse own_pulse(State const& state, std::uint64_t beats, double silent) {
    Pulse pulse{state.rank, host_name(), static_cast<int>(::getpid()), beats, silent, current_activity(), {}};
    if (pulse.activity.waiting_in.empty() && silent >= state.limit / 2)
        pulse.file_call = blocked_file_call(state.main_thread);
    return pulse;
}

// The one thread that touches files.
void beat(std::shared_ptr<State> const& state) {
    Silence silence(state->tick.count());
    PulseFolder folder;
    // Until the run has its folder in short steps, so that the first pulse follows it at once.
    for (std::uint64_t beats = 1; state->sleep(folder.is_runs ? state->tick : std::min(state->tick, first_tick));
         ++beats) {
        double const silent = silence.update(current_activity().num_events);
        if (PulseFolder const wanted = pulse_folder(); wanted.path != folder.path) {
            if (!folder.path.empty()) remove_pulse(folder.path, state->rank);
            folder = wanted;
            ::mkdir(folder.path.c_str(), 0777);
        }
        if (folder.path.empty()) continue;
        write_pulse(folder.path, own_pulse(*state, beats, silent));
        if (std::unique_lock lock(state->mutex); !state->look_wanted) continue;
        Pulses pulses;
        for (int r = 0; r < state->num_ranks; ++r)
            pulses.push_back(read_pulse(folder.path, r));
        std::lock_guard const lock(state->mutex);
        state->look = std::move(pulses);
        state->look_wanted = false;
        state->changed.notify_all();
    }
    if (!folder.path.empty()) remove_pulse(folder.path, state->rank);
}

// Every rank's pulse as the file thread finds it; none when it cannot, for the file system does not answer.
std::optional<Pulses> look_around(State& state) {
    std::unique_lock lock(state.mutex);
    state.look.reset();
    state.look_wanted = true;
    state.changed.wait_for(lock,
                           std::max(ticks_between_looks * state.tick, std::chrono::duration<double>(state.limit / 2)),
                           [&] { return state.ended || state.look; });
    return state.look;
}

// Ends the job, unless it has moved on since the judgement began.
void end_job(State& state, std::uint64_t num_events, std::string const& message) {
    {
        std::lock_guard const lock(state.mutex);
        if (state.ended || current_activity().num_events != num_events) return;
    }
    ::alarm(static_cast<unsigned>(grace.count()));  // should nobody read the message, the process ends without it
    report_error(message);
    // The launcher forwards these last words, then says its own about the exit; without a pause sometimes first.
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    ::_exit(static_cast<int>(ExitCode::io));
}

// A rank that works tells at once; one that waits leaves it time to.
void end_job_alone(State& state, std::uint64_t num_events, double silent, char const* why) {
    Pulse const own = own_pulse(state, 0, silent);
    if (!own.activity.waiting_in.empty())
        std::this_thread::sleep_for(2 * grace / 5 + std::min(state.rank, max_stagger) * state.tick);
    end_job(state, num_events, hang_seen_alone(own, why, state.limit));
}

// Looks at the others until it is clear what holds them up, or that nothing does.
void look_and_judge(State& state, std::uint64_t num_events, double silent) {
    auto before = look_around(state);
    for (int looks = 0; looks < 2; ++looks) {
        for (int i = 0; before && i < ticks_between_looks; ++i) {
            if (!state.sleep_a_tick()) return;
        }
        auto const now = before ? look_around(state) : std::nullopt;
        if (!now)
            return end_job_alone(state, num_events, silent,
                                 "the run's folder does not answer, so the other ranks cannot be seen");
        auto const hang = find_hang(*before, *now, state.limit);
        if (!hang) return;
        if (hang->teller == state.rank || looks > 0) return end_job(state, num_events, hang->message);
        std::this_thread::sleep_for(grace);
        before = now;
    }
}

void judge(std::shared_ptr<State> const& state) {
    Silence silence(state->tick.count());
    double const begin = state->limit + std::min(state->rank, max_stagger) * state->tick.count();
    double next = begin;
    while (state->sleep_a_tick()) {
        std::uint64_t const num_events = current_activity().num_events;
        double const silent = silence.update(num_events);
        if (silent < begin) next = begin;
        if (silent < next) continue;
        next = silent + state->limit / 4;  // somebody still works: no need to read every rank's pulse all the time
        if (state->num_ranks == 1) {
            end_job_alone(*state, num_events, silent, "it hangs");
        } else if (pulse_folder().path.empty()) {
            end_job_alone(*state, num_events, silent,
                          "the nodes have no folder yet in which their ranks see each other");
        } else {
            look_and_judge(*state, num_events, silent);
        }
    }
}

void start_thread(std::shared_ptr<State> const& state, void (*work)(std::shared_ptr<State> const&)) {
    std::thread([state, work] {
        work(state);
        std::lock_guard const lock(state->mutex);
        --state->threads_left;
        state->changed.notify_all();
    }).detach();
}

}  // namespace

double watchdog_limit() {
    char const* const text = std::getenv("GATESWEEP_WATCHDOG");
    if (text == nullptr || *text == '\0') return default_limit;
    std::string_view const whole = text;
    double limit = -1;
    auto const [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), limit);
    bool const valid =
        error == std::errc{} && end == whole.data() + whole.size() && (limit == 0 || (limit >= 1 && limit <= 1e7));
    GATESWEEP_VALIDATE(valid, ExitCode::usage,
                       "GATESWEEP_WATCHDOG={} is no time limit (seconds without progress after which a hanging run "
                       "ends): give a number from 1 "
                       "up, or 0 for no limit",
                       printable(whole));
    return limit;
}

void share_pulses(std::filesystem::path const& folder) {
    share({folder, true});
}

void share_early_pulses(Communicator const& world) {
    if (world.size() == 1 || world.split_by_node().size() < world.size()) return;
    if (char const* const folder = std::getenv("PMIX_SERVER_TMPDIR")) share({folder, false});
}

Watchdog::Watchdog(int rank, int num_ranks, double limit) {
    if (limit == 0) return;
    state_ = std::make_shared<State>(rank, num_ranks, limit);
    // Signals are the main thread's.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    start_thread(state_, beat);
    start_thread(state_, judge);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Watchdog::~Watchdog() {
    if (!state_) return;
    std::unique_lock lock(state_->mutex);
    state_->ended = true;
    state_->changed.notify_all();
    state_->changed.wait_for(lock, std::chrono::seconds(1), [&] { return state_->threads_left == 0; });
}

}  // namespace gatesweep
