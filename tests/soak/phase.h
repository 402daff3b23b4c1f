// Where in a run a kill came, told from what the start had left in the folder by then.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/store/record_log.h"
#include "gatesweep/store/record_reader.h"

namespace gatesweep {

enum class RunPhase : int { start, load, signals, baseline, screen, sweep, texts, tables, report, over };
constexpr int num_phases = static_cast<int>(RunPhase::over);  // that a kill can hit
std::string_view to_string(RunPhase phase);

// Of the start that began when a file of modification time `since` was written. start: until the folder is locked (MPI,
// job, prompts); tables: labels and the final files; over: COMPLETE is there.
RunPhase phase_of(std::filesystem::path const& run, std::filesystem::file_time_type since);

// Every whole log of the run, also while it is being written.
std::vector<RecordLog> read_work(std::filesystem::path const& run);
// kind -> records, as the run expects them.
std::map<std::string, std::int64_t> planned_records(std::filesystem::path const& run);

}  // namespace gatesweep
