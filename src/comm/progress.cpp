#include "gatesweep/comm/progress.h"

#include "gatesweep/base/log.h"
#include "gatesweep/base/log_events.h"
#include "gatesweep/comm/progress_line.h"

namespace gatesweep {
namespace {

constexpr double seconds_between_bars = 0.1;
constexpr double seconds_between_lines = 30.0;  // a log file is read by people too
constexpr double seconds_between_events = 1.0;

double since(std::chrono::steady_clock::time_point then) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

}  // namespace

CountsAs counts_as(ParallelLayout const& layout) {
    return layout.ep_rank() == 0 ? CountsAs::part_of_sum : CountsAs::same_as_another;
}

Progress::Progress(RunPhase phase, char const* unit, Communicator const& world, CountsAs counts)
    : phase_(phase),
      unit_(unit),
      shared_(world),
      counts_(counts),
      is_shown_(world.rank() == 0),
      is_terminal_(log_to_terminal()),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {
    enter_phase(phase);
}

double Progress::seconds() const {
    return since(start_);
}

void Progress::update(std::int64_t done, std::int64_t all) {
    note_unit(done, all, unit_);
    if (counts_ == CountsAs::part_of_sum) shared_.set({done, all});
    double const pause = logs_events()  ? seconds_between_events
                         : is_terminal_ ? seconds_between_bars
                                        : seconds_between_lines;
    if (!is_shown_ || since(last_) < pause) return;
    show(shared_.sum());
}

void Progress::finish() {
    Counts const counts = shared_.finish();
    if (is_shown_) show(counts);
}

void Progress::show(Counts counts) {
    if (counts.all <= 0) return;
    last_ = std::chrono::steady_clock::now();
    std::string const topic(to_string(phase_));
    PhaseProgress const progress{topic, unit_, counts.done, counts.all, seconds()};
    if (logs_events()) {
        progress_event(topic, unit_, counts.done, counts.all, seconds());
        return;
    }
    if (!is_terminal_) {
        say(topic, progress_text(progress));
        return;
    }
    show_bar(progress_bar(progress, terminal_width()));
    if (counts.done >= counts.all) end_bar();
}

}  // namespace gatesweep
