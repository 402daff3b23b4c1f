// The reader of a record log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/base/file.h"
#include "gatesweep/store/record_log.h"

namespace gatesweep {

// Where a committed record lies; the payload stays in the file.
struct LogRecord {
    std::string kind;
    std::string key;
    std::uint64_t offset = 0;  // of the payload
    std::uint64_t size = 0;    // of the payload, bytes
    std::string digest;        // XXH3-128 of the payload
};

struct RecordLog {
    std::filesystem::path path;
    RunIdentity identity;            // empty when the file ends inside its header
    std::vector<LogRecord> records;  // in the order written
    std::uint64_t num_bytes = 0;     // of the file up to the last whole commit
    std::uint64_t torn_bytes = 0;    // behind it, dropped
    // For the user: what was dropped and why that is fine; empty for a clean end.
    std::string notice() const;
};

// Checks every byte, in pieces of 1 MiB at most. bad_data, naming the file, the offset and the record, for damage among
// the committed records, a file that is no record log, or one of a newer format. A log that is still being written to
// reads as far as it got.
RecordLog read_log(std::filesystem::path const& path);

// The same on bytes in memory; `path` is for messages.
RecordLog parse_log(std::string_view bytes, std::filesystem::path const& path);

// Checks the digest again: the file may have changed since.
std::string read_payload(InputFile const& file, LogRecord const& record);

// bad_data, naming the log and what differs, when it was written by a run of another identity. A log without an
// identity (it ends inside its header) fits every run.
void require_identity(RecordLog const& log, RunIdentity const& expected);

}  // namespace gatesweep
