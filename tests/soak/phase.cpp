#include "phase.h"

#include <set>

#include "gatesweep/store/csv.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

}  // namespace

std::string_view to_string(RunPhase phase) {
    constexpr std::array<std::string_view, num_phases + 1> names = {"start", "load",  "signals", "baseline", "screen",
                                                                    "sweep", "texts", "tables",  "report",   "over"};
    return names.at(static_cast<std::size_t>(phase));
}

std::vector<RecordLog> read_work(fs::path const& run) {
    std::vector<RecordLog> logs;
    for (auto const& file : list_logs(run / "log", "work"))
        logs.push_back(read_log(file));
    return logs;
}

std::map<std::string, std::int64_t> planned_records(fs::path const& run) {
    std::map<std::string, std::int64_t> planned;
    if (!fs::exists(run / "log" / "planned.csv")) return planned;
    CsvTable const table = read_csv(run / "log" / "planned.csv");
    for (std::size_t row = 0; row < table.rows.size(); ++row)
        planned[table.text(row, "kind")] = table.integer(row, "records");
    return planned;
}

RunPhase phase_of(fs::path const& run, fs::file_time_type since) {
    auto const is_new = [&](char const* name) {
        std::error_code missing;
        auto const time = fs::last_write_time(run / name, missing);
        return !missing && time >= since;
    };
    if (fs::exists(run / "COMPLETE")) return is_new(".gatesweep") ? RunPhase::over : RunPhase::start;
    if (is_new("timings.csv")) return RunPhase::report;
    if (is_new("completions.jsonl")) return RunPhase::tables;
    if (!is_new("log/planned.csv")) return is_new(".gatesweep") ? RunPhase::load : RunPhase::start;
    auto const planned = planned_records(run);
    if (!planned.contains("completion")) return RunPhase::signals;
    if (!planned.contains("text")) return RunPhase::baseline;
    std::map<std::string, std::set<std::string>> done;
    for (RecordLog const& log : read_work(run)) {
        for (LogRecord const& record : log.records)
            done[record.kind].insert(record.key);
    }
    auto const finished = [&](char const* kind) { return std::ssize(done[kind]) >= planned.at(kind); };
    if (finished("completion")) return finished("text") ? RunPhase::tables : RunPhase::texts;
    return is_new("tables/screen.csv") ? RunPhase::sweep : RunPhase::screen;
}

}  // namespace gatesweep
