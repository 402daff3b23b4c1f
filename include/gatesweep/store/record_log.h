// Work that is done, kept so that a kill loses at most what was in flight: a framed, checksummed log that is only ever
// appended to. One file per kind of work, attempt and rank, so no two processes write to one file, not even a rank that
// outlived its launcher and a rank of the next attempt.
//
// Layout, little-endian: a header (identity of the run, checksums), then frames. A frame is a record: kind, key,
// payload, its number, the number of its commit, whether it ends the commit, a checksum over the frame's head and one
// over all of it, both seeded with the header's checksum and the frame's place: a frame of another file or place does
// not pass.
//
// A commit counts whole or not at all. What follows the last whole commit is a torn tail (the process or the node died
// in it) and dropped, unless a later commit's frame follows: a commit is only begun when the one before it is on disk,
// so then committed bytes have changed, and the file is refused.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/base/file.h"

namespace gatesweep {

// What makes a record of one run valid in another. Free text: digests, ids.
struct RunIdentity {
    std::string job;
    std::string prompts;
    std::string weights;
    std::string numerics;
    bool operator==(RunIdentity const&) const = default;
};
// "weights: was 12ab, is 34cd; numerics: ..."; empty when equal.
std::string describe_differences(RunIdentity const& was, RunIdentity const& is);

// KIND-aATTEMPT-rRANK.log, numbers padded to 4 digits so that names sort by attempt and rank.
struct LogName {
    std::string kind;
    std::int64_t attempt = 0;
    std::int64_t rank = 0;
    std::string file_name() const;
};
std::optional<LogName> parse_log_name(std::string_view file_name);
// The logs of a kind in `folder`, by attempt and rank; none when the folder does not exist. Other files are ignored.
std::vector<std::filesystem::path> list_logs(std::filesystem::path const& folder, std::string_view kind);
// One more than the highest attempt that any log in `folder` belongs to.
std::int64_t next_attempt(std::filesystem::path const& folder);

class RecordWriter {
public:
    // Creates the file durably; cannot_create when it exists (an attempt's number is used once).
    RecordWriter(std::filesystem::path path, RunIdentity const& identity);

    // Kept in memory until the commit. A key is unique within its kind; the same record may be written again.
    void append(std::string_view kind, std::string_view key, std::string_view payload);
    // Writes what was appended as one commit and waits until it is on disk. Nothing appended: nothing done.
    // After a failure (io) the file's end is unknown, so this and every later call throws; the next attempt goes on.
    void commit();

    std::filesystem::path const& path() const { return file_.path(); }
    std::int64_t num_committed() const { return num_committed_; }  // records

private:
    void fail_if_dead() const;

    OutputFile file_;
    std::uint64_t seed_ = 0;  // the header's checksum
    std::uint64_t size_ = 0;  // of the file
    std::string pending_;     // whole frames; the last is sealed by commit
    std::size_t last_frame_ = 0;
    std::int64_t num_pending_ = 0;
    std::int64_t num_committed_ = 0;
    std::int64_t num_commits_ = 0;
    std::string death_;  // the error that ended it
};

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
