// The committed work of a folder, read by one rank and known to all.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gatesweep/comm/communicator.h"
#include "gatesweep/store/ledger.h"

namespace gatesweep {

constexpr char const* work_log_kind = "work";

// Where `relabel` commits what a judge says, apart from the work of the run.
inline std::filesystem::path relabel_log(std::filesystem::path const& run_folder) {
    return run_folder / "log" / "relabel";
}

// Whether any log in the folder holds a record. Stops at the first that does.
bool holds_work(std::filesystem::path const& folder);

// What earlier starts committed; only the root of a run reads it.
struct CommittedWork {
    std::vector<std::string> known;  // Ledger::name of each record
    std::optional<MergedRecords> stored;
    std::int64_t attempt = 0;  // the number of the start that goes on
};

// Errors: bad_data for damaged logs and for those of another identity. Logs of starts that ended before their first
// commit say nothing, not even about what they were started on.
CommittedWork read_committed_work(std::filesystem::path const& folder, RunIdentity const& identity);

// Collective. The root's work known to every rank, and a new log in `folder` for each: says what is there already.
// Errors: cannot_create where a rank does not see the folder.
Ledger open_ledger(CommittedWork work, std::filesystem::path const& folder, RunIdentity const& identity,
                   Communicator const& world, int root);

}  // namespace gatesweep
