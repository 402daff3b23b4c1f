#include "gatesweep/base/activity.h"

#include <fmt/format.h>

#include <array>
#include <atomic>

#include "rank_failure_point.h"

namespace gatesweep {
namespace {

constexpr std::array<std::string_view, 15> phase_names = {"start", "inputs",   "load",   "signals",  "pairs",
                                                          "audit", "analysis", "harden", "baseline", "screen",
                                                          "sweep", "texts",    "labels", "tables",   "report"};

struct Record {
    std::atomic<RunPhase> phase = RunPhase::start;
    std::atomic<std::int64_t> done = 0, all = 0;
    std::atomic<char const*> unit = "";
    std::atomic<char const*> waiting_in = nullptr;
    std::atomic<std::uint64_t> num_events = 0;
};

constinit Record record;
constexpr auto relaxed = std::memory_order_relaxed;

// One writer: no locked instruction is needed.
void count_event() {
    record.num_events.store(record.num_events.load(relaxed) + 1, relaxed);
}

void event() {
    count_event();
    if (rank_failure_armed.load(relaxed)) [[unlikely]]
        fail_if_due(record.phase.load(relaxed));
}

}  // namespace

std::string_view to_string(RunPhase phase) {
    return phase_names.at(static_cast<std::size_t>(phase));
}

std::optional<RunPhase> parse_run_phase(std::string_view name) {
    for (std::size_t i = 0; i < phase_names.size(); ++i) {
        if (phase_names[i] == name) return static_cast<RunPhase>(i);
    }
    return std::nullopt;
}

void enter_phase(RunPhase phase) {
    record.phase.store(phase, relaxed);
    record.done.store(0, relaxed);
    record.all.store(0, relaxed);
    event();
}

void note_unit(std::int64_t done, std::int64_t all, char const* unit) {
    record.done.store(done, relaxed);
    record.all.store(all, relaxed);
    record.unit.store(unit, relaxed);
    event();
}

void note_step() {
    event();
}

WaitingMark::WaitingMark(char const* call) {
    record.waiting_in.store(call, relaxed);
    count_event();
}

WaitingMark::~WaitingMark() {
    record.waiting_in.store(nullptr, relaxed);
    count_event();
}

std::string Activity::place() const {
    std::string text(to_string(phase));
    if (all > 0) text += fmt::format(", {} of {} {}", done, all, unit);
    return text;
}

Activity current_activity() {
    Activity now;
    now.num_events = record.num_events.load(relaxed);
    now.phase = record.phase.load(relaxed);
    now.done = record.done.load(relaxed);
    now.all = record.all.load(relaxed);
    now.unit = record.unit.load(relaxed);
    char const* const call = record.waiting_in.load(relaxed);
    now.waiting_in = call ? call : "";
    return now;
}

}  // namespace gatesweep
