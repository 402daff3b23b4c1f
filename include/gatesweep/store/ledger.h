// What a run has computed so far, on one rank: asked before work is done, told when it is done.
//
// A record is found by what determines it (digests of tokens, edits and limits, not row numbers), so whatever is still
// wanted after a kill, with other ranks or with more prompts is found again, and nothing else is.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "gatesweep/store/record_merge.h"
#include "gatesweep/store/record_writer.h"

namespace gatesweep {

// Of token ids: what a record of a text is found by.
std::string ids_digest(std::vector<std::int32_t> const& ids);

class Ledger {
public:
    Ledger() = default;  // holds nothing and forgets everything it is told
    // `known`: name() of every record committed before, the same on every rank. `stored` gives their payloads, on the
    // rank that asks for them. `writer` takes what this rank adds.
    Ledger(std::vector<std::string> const& known, std::optional<MergedRecords> stored,
           std::unique_ptr<RecordWriter> writer);

    static std::string name(std::string_view kind, std::string_view key);

    // Of records committed before this start; what this start adds is its own to remember.
    bool holds(std::string_view kind, std::string_view key) const;
    std::string payload(std::string_view kind,
                        std::string_view key) const;  // of a record that is held, where `stored` is

    void add(std::string_view kind, std::string_view key, std::string_view payload);
    void commit();
    // For many small records: commits when enough of them, or enough time, is at stake.
    void commit_when_due();

private:
    std::unordered_set<std::string> known_;
    std::optional<MergedRecords> stored_;
    std::unique_ptr<RecordWriter> writer_;
    std::int64_t num_pending_ = 0;
    std::chrono::steady_clock::time_point last_commit_ = std::chrono::steady_clock::now();
};

}  // namespace gatesweep
