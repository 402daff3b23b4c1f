// What the main thread of this process is doing, for the watchdog (comm/watchdog.h) and for failures on purpose
// (base/rank_failure.h). Written by the main thread with a few plain stores an event, read by any thread.
//
// An event is a sign of progress: a phase entered, a unit of it done, a step inside a unit (a layer, a tensor), a
// collective entered or left. A loop that may take minutes must have one inside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatesweep {

// The phases of a run in their order; every rank enters each, also where only one has work in it.
enum class RunPhase : int {
    start,
    inputs,
    load,
    signals,
    pairs,
    audit,
    analysis,
    harden,
    baseline,
    screen,
    sweep,
    texts,
    labels,
    tables,
    report
};
std::string_view to_string(RunPhase phase);
std::optional<RunPhase> parse_run_phase(std::string_view name);

// The events. The first three may fail on purpose, so they are no part of a destructor.
void enter_phase(RunPhase phase);
// `unit` names what is counted and must live for ever: a literal.
void note_unit(std::int64_t done, std::int64_t all, char const* unit);
void note_step();

// Marks the scope of one blocking call that waits for other ranks; `call` must live for ever.
class WaitingMark {
public:
    explicit WaitingMark(char const* call);
    ~WaitingMark();
    WaitingMark(WaitingMark const&) = delete;
    WaitingMark& operator=(WaitingMark const&) = delete;
};

struct Activity {
    RunPhase phase = RunPhase::start;
    std::int64_t done = 0, all = 0;  // of the phase, in `unit`; 0 of 0 where it has not counted yet
    std::string unit;
    std::string waiting_in;  // the blocking call, or empty
    std::uint64_t num_events = 0;

    // "signals, 3 of 7 batches"
    std::string place() const;
};

// Fields may be an event apart from each other; num_events never runs backwards.
Activity current_activity();

}  // namespace gatesweep
