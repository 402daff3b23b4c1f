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

}  // namespace gatesweep
