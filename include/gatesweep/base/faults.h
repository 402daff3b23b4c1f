// Faults on purpose: makes the n-th file operation of the process fail, stop half way, or end the process there, so
// that a test can walk through every operation of a run. Nothing happens unless a plan is set, here or with
//   GATESWEEP_FAULTS=FAULT@N[+][:PATH_PART]     FAULT as in to_string, N from 0, + for "and every later one"
//   GATESWEEP_FAULTS=trace:FILE                 appends a line "CALL PATH" per operation to FILE.PROCESS
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep {

enum class FileCall { open, read, write, truncate, sync, close, stat, rename, link, unlink, make_folder, list };
std::string_view to_string(FileCall call);

enum class Fault {
    eio,  // the call does nothing and fails with this errno
    enospc,
    erofs,
    eintr,
    short_transfer,  // a read or write moves half of what was asked, at least one byte
    crash_before,    // SIGKILL
    crash_half,      // after half of a write; before any other call
    crash_after,
};
std::string_view to_string(Fault fault);
std::vector<Fault> all_faults();

struct FaultPlan {
    Fault fault = Fault::eio;
    std::int64_t at = 0;    // which of the matching operations, from 0
    bool persists = false;  // it and every later one, like a disk that stays full
    std::string path_part;  // only operations on paths that hold this count; empty: all
};
// "enospc@17+:manifest"; ExitCode::usage for anything else.
FaultPlan parse_fault_plan(std::string_view text);

struct FileOperation {
    FileCall call = FileCall::open;
    std::filesystem::path path;
};

// Both count from 0 again and replace what the environment says.
void inject_fault(FaultPlan plan);
void record_file_operations();
// Ends either; returns what was recorded.
std::vector<FileOperation> clear_faults();

}  // namespace gatesweep
