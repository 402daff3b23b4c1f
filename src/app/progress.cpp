#include "progress.h"

#include <fmt/format.h>

#include <cstdio>

#include "gatesweep/base/log.h"

namespace gatesweep {
namespace {

constexpr int bar_width = 30;
constexpr double seconds_between_bars = 0.1;
constexpr double seconds_between_lines = 30.0;  // a log file is read by people too

double since(std::chrono::steady_clock::time_point then) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

}  // namespace

Progress::Progress(RunPhase phase, char const* unit, bool shown)
    : topic_(to_string(phase)),
      unit_(unit),
      shown_(shown),
      terminal_(log_to_terminal()),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {
    enter_phase(phase);
}

double Progress::seconds() const { return since(start_); }

void Progress::update(std::int64_t done, std::int64_t all) {
    note_unit(done, all, unit_);
    if (!shown_ || all <= 0) return;
    bool const last = done >= all;
    if (!last && since(last_) < (terminal_ ? seconds_between_bars : seconds_between_lines)) return;
    last_ = std::chrono::steady_clock::now();
    double const fraction = static_cast<double>(done) / static_cast<double>(all), rate = static_cast<double>(done) / seconds();
    auto const left = static_cast<std::int64_t>(static_cast<double>(all - done) / rate + 0.5);
    std::string text = fmt::format("{:3.0f} %  {} {}  {:.0f} {}/s", 100 * fraction, done, unit_, rate, unit_);
    if (!last) text += fmt::format("  ETA {}:{:02}", left / 60, left % 60);
    if (!terminal_) {
        say(topic_, text);
        return;
    }
    int const filled = static_cast<int>(fraction * bar_width);
    std::string const bar = std::string(filled, '=') + (filled < bar_width ? ">" : "") + std::string(std::max(0, bar_width - filled - 1), ' ');
    std::fprintf(stderr, "\r%-9s [%.*s] %s\033[K%s", topic_.c_str(), bar_width, bar.c_str(), text.c_str(), last ? "\n" : "");
    std::fflush(stderr);
}

}  // namespace gatesweep
