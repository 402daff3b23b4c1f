// How far a phase is, as a line of a terminal or a log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatesweep {

struct PhaseProgress {
    std::string_view topic;  // of the phase
    std::string_view unit;   // of what is counted
    std::int64_t done = 0;
    std::int64_t all = 0;
    double seconds = 0.0;  // since the phase began
};

// "0:42" minutes, from an hour on "2:05 h".
std::string time_left_text(double seconds);

// " 45 %  120 completions  8 completions/s  ETA 0:21", without the time left at the end.
std::string progress_text(PhaseProgress const& progress);

// The same behind topic and bar, in at most `width` columns: a shorter bar, then none, then fewer figures.
std::string progress_bar(PhaseProgress const& progress, int width);

}  // namespace gatesweep
