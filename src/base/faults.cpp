#include "gatesweep/base/faults.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "fault_point.h"
#include "gatesweep/base/error.h"

namespace gatesweep {

std::atomic<FaultState> fault_state = FaultState::unread;

namespace {

constexpr std::array<std::pair<Fault, std::string_view>, 8> fault_names = {{{Fault::eio, "eio"},
                                                                            {Fault::enospc, "enospc"},
                                                                            {Fault::erofs, "erofs"},
                                                                            {Fault::eintr, "eintr"},
                                                                            {Fault::short_transfer, "short"},
                                                                            {Fault::crash_before, "crash_before"},
                                                                            {Fault::crash_half, "crash_half"},
                                                                            {Fault::crash_after, "crash_after"}}};

struct Plan {
    std::mutex mutex;
    std::optional<FaultPlan> plan;
    std::int64_t num_matched = 0;
    bool recording = false;
    std::vector<FileOperation> recorded;
    int trace = -1;

    void reset() {
        plan.reset();
        num_matched = 0;
        recording = false;
        if (trace >= 0) ::close(std::exchange(trace, -1));
        fault_state = FaultState::off;
    }
};

Plan& the_plan() {
    static Plan plan;
    return plan;
}

void read_environment(Plan& plan) {
    constexpr std::string_view trace_word = "trace:";
    plan.reset();
    char const* const value = std::getenv("GATESWEEP_FAULTS");
    if (value == nullptr || *value == '\0') return;
    std::string_view const text = value;
    if (text.starts_with(trace_word)) {
        std::string const path = fmt::format("{}.{}", text.substr(trace_word.size()), ::getpid());
        plan.trace = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        GATESWEEP_VALIDATE(plan.trace >= 0, ExitCode::usage, "GATESWEEP_FAULTS: {} cannot be created: unset it", path);
    } else {
        plan.plan = parse_fault_plan(text);
    }
    fault_state = FaultState::armed;
}

}  // namespace

std::string_view to_string(FileCall call) {
    constexpr std::array<std::string_view, 12> names = {"open", "read",   "write", "truncate", "sync",        "close",
                                                        "stat", "rename", "link",  "unlink",   "make_folder", "list"};
    return names.at(static_cast<std::size_t>(call));
}

std::string_view to_string(Fault fault) {
    return fault_names.at(static_cast<std::size_t>(fault)).second;
}

std::vector<Fault> all_faults() {
    std::vector<Fault> faults;
    for (auto const& [fault, name] : fault_names)
        faults.push_back(fault);
    return faults;
}

FaultPlan parse_fault_plan(std::string_view text) {
    FaultPlan plan;
    auto const at = text.find('@');
    std::string_view rest = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
    auto const number = std::from_chars(rest.data(), rest.data() + rest.size(), plan.at);
    bool valid = number.ec == std::errc{} && plan.at >= 0;
    bool known = false;
    for (auto const& [fault, name] : fault_names) {
        if (name != text.substr(0, at)) continue;
        plan.fault = fault;
        known = true;
    }
    if (valid) rest.remove_prefix(static_cast<std::size_t>(number.ptr - rest.data()));
    plan.persists = rest.starts_with('+');
    if (plan.persists) rest.remove_prefix(1);
    valid = valid && known && (rest.empty() || rest.starts_with(':'));
    GATESWEEP_VALIDATE(valid, ExitCode::usage,
                       "fault \"{}\" is not FAULT@N[+][:PATH_PART] (it would test nothing): unset GATESWEEP_FAULTS, or "
                       "write for example enospc@17+:manifest",
                       printable(text));
    if (!rest.empty()) plan.path_part = rest.substr(1);
    return plan;
}

void inject_fault(FaultPlan plan) {
    auto& state = the_plan();
    std::lock_guard const lock(state.mutex);
    state.reset();
    state.plan = std::move(plan);
    fault_state = FaultState::armed;
}

void record_file_operations() {
    auto& state = the_plan();
    std::lock_guard const lock(state.mutex);
    state.reset();
    state.recorded.clear();
    state.recording = true;
    fault_state = FaultState::armed;
}

std::vector<FileOperation> clear_faults() {
    auto& state = the_plan();
    std::lock_guard const lock(state.mutex);
    state.reset();
    return std::exchange(state.recorded, {});
}

std::optional<Fault> next_fault(FileCall call, std::filesystem::path const& path) {
    auto& state = the_plan();
    std::lock_guard const lock(state.mutex);
    if (fault_state == FaultState::unread) read_environment(state);
    if (state.recording) state.recorded.push_back({call, path});
    if (state.trace >= 0) {
        std::string const line = fmt::format("{} {}\n", to_string(call), path.string());
        if (::write(state.trace, line.data(), line.size()) < 0) ::close(std::exchange(state.trace, -1));
    }
    if (!state.plan || path.string().find(state.plan->path_part) == std::string::npos) return std::nullopt;
    auto const index = state.num_matched++;
    bool const hit = state.plan->persists ? index >= state.plan->at : index == state.plan->at;
    return hit ? std::optional(state.plan->fault) : std::nullopt;
}

void crash() {
    ::kill(::getpid(), SIGKILL);
    std::abort();  // not reached
}

}  // namespace gatesweep
