// The committed records of all attempts and ranks as one: by kind and key, each once.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/store/record_log.h"
#include "gatesweep/store/record_reader.h"

namespace gatesweep {

struct MergedRecord {
    LogRecord record;
    std::size_t file = 0;  // index into MergedRecords::files()
};

// Payloads are read when asked for; safe to share between threads.
class MergedRecords {
public:
    std::vector<std::filesystem::path> const& files() const { return files_; }
    std::vector<MergedRecord> const& records() const { return records_; }  // by kind, then key (bytes)
    std::map<std::string, std::int64_t> counts_by_kind() const;
    // nullptr when there is none.
    MergedRecord const* find(std::string_view kind, std::string_view key) const;
    std::string payload(MergedRecord const& merged) const;

    std::vector<std::string> const& notices() const { return notices_; }  // of torn tails, for the user
    std::size_t num_duplicates() const { return num_duplicates_; }        // identical copies that were counted once

private:
    friend MergedRecords merge_logs(std::vector<RecordLog> const& logs);
    std::shared_ptr<InputFile const> open(std::size_t file) const;

    struct OpenFiles {  // the last few used: attempts x ranks can exceed what a process may hold open
        std::mutex mutex;
        std::list<std::pair<std::size_t, std::shared_ptr<InputFile const>>> files;
    };

    std::vector<std::filesystem::path> files_;
    std::vector<MergedRecord> records_;
    std::vector<std::string> notices_;
    std::size_t num_duplicates_ = 0;
    std::unique_ptr<OpenFiles> open_ = std::make_unique<OpenFiles>();
};

// Two ranks may have done the same work (a rank that outlived its launcher, a batch done again): identical copies count
// once. internal, naming key and both files, when two copies of a key differ, because then the work was not
// deterministic or ran under different conditions, and no choice between them is right.
MergedRecords merge_logs(std::vector<RecordLog> const& logs);
// Reads them first; all must be of `identity`.
MergedRecords merge_logs(std::vector<std::filesystem::path> const& files, RunIdentity const& identity);

}  // namespace gatesweep
