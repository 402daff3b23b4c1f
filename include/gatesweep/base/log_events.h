// What the program says as events for scripts: a JSON object a line on standard output, in the place of text on
// standard error. Rank 0 alone says messages and progress; warnings and errors name their rank.
//   {"event":"message","topic":"model","text":"Mixtral, ..."}
//   {"event":"progress","topic":"sweep","done":120,"all":360,"unit":"completions","seconds":14.2}
//   {"event":"warning","rank":0,"text":"..."}   {"event":"error","rank":0,"text":"..."}
#pragma once

#include <cstdint>
#include <string_view>

namespace gatesweep {

// From now on. Call once, before start_log.
void log_as_events();
bool logs_events();

// How far a phase is. Rank 0, with events alone.
void progress_event(std::string_view topic, std::string_view unit, std::int64_t done, std::int64_t all, double seconds);

}  // namespace gatesweep
