#include "gatesweep/store/ledger.h"

#include <span>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/store/record_writer.h"

namespace gatesweep {
namespace {

// What a kill may cost: so many records, or so much time, of one rank.
constexpr std::int64_t max_pending = 256;
constexpr std::chrono::seconds max_wait{2};

}  // namespace

std::string ids_digest(std::vector<std::int32_t> const& ids) {
    return FastDigest().add(std::as_bytes(std::span(ids))).hex();
}

Ledger::Ledger(std::vector<std::string> const& known, std::optional<MergedRecords> stored,
               std::unique_ptr<RecordWriter> writer)
    : known_(known.begin(), known.end()), stored_(std::move(stored)), writer_(std::move(writer)) {}

std::string Ledger::name(std::string_view kind, std::string_view key) {
    return fmt::format("{} {}", kind, key);
}

bool Ledger::holds(std::string_view kind, std::string_view key) const {
    return !known_.empty() && known_.contains(name(kind, key));
}

std::string Ledger::payload(std::string_view kind, std::string_view key) const {
    MergedRecord const* const record = stored_ ? stored_->find(kind, key) : nullptr;
    GATESWEEP_VALIDATE(
        record, ExitCode::internal,
        "{} {} of the run's log is not at hand (a result would be missing): this is a mistake in gatesweep; "
        "please report it",
        kind, key);
    return stored_->payload(*record);
}

void Ledger::add(std::string_view kind, std::string_view key, std::string_view payload) {
    if (!writer_) return;
    writer_->append(kind, key, payload);
    ++num_pending_;
}

void Ledger::commit() {
    if (writer_) writer_->commit();
    num_pending_ = 0;
    last_commit_ = std::chrono::steady_clock::now();
}

void Ledger::commit_when_due() {
    if (num_pending_ >= max_pending || (num_pending_ > 0 && std::chrono::steady_clock::now() - last_commit_ > max_wait))
        commit();
}

}  // namespace gatesweep
