// The writer of a record log.
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

}  // namespace gatesweep
