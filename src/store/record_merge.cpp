#include "gatesweep/store/record_merge.h"

#include <algorithm>
#include <tuple>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

constexpr std::size_t max_open_files = 64;

std::pair<std::string_view, std::string_view> name_of(MergedRecord const& merged) {
    return {merged.record.kind, merged.record.key};
}

}  // namespace

std::map<std::string, std::int64_t> MergedRecords::counts_by_kind() const {
    std::map<std::string, std::int64_t> counts;
    for (MergedRecord const& merged : records_)
        ++counts[merged.record.kind];
    return counts;
}

MergedRecord const* MergedRecords::find(std::string_view kind, std::string_view key) const {
    auto const wanted = std::pair(kind, key);
    auto const at = std::ranges::lower_bound(records_, wanted, {}, name_of);
    return at != records_.end() && name_of(*at) == wanted ? &*at : nullptr;
}

std::string MergedRecords::payload(MergedRecord const& merged) const {
    return read_payload(*open(merged.file), merged.record);
}

std::shared_ptr<InputFile const> MergedRecords::open(std::size_t file) const {
    std::lock_guard const lock(open_->mutex);
    auto& open_files = open_->files;
    auto const known = std::ranges::find(open_files, file, [](auto const& entry) { return entry.first; });
    if (known != open_files.end()) {
        open_files.splice(open_files.begin(), open_files, known);
    } else {
        open_files.emplace_front(file, std::make_shared<InputFile const>(files_.at(file)));
        if (open_files.size() > max_open_files) open_files.pop_back();
    }
    return open_files.front().second;
}

MergedRecords merge_logs(std::vector<RecordLog> const& logs) {
    MergedRecords merged;
    std::vector<MergedRecord> all;
    for (auto const& log : logs) {
        for (auto const& record : log.records)
            all.push_back({record, merged.files_.size()});
        if (auto notice = log.notice(); !notice.empty()) merged.notices_.push_back(std::move(notice));
        merged.files_.push_back(log.path);
    }
    std::ranges::stable_sort(all, {}, name_of);
    for (auto& copy : all) {
        bool const is_first = merged.records_.empty() || name_of(merged.records_.back()) != name_of(copy);
        if (is_first) {
            merged.records_.push_back(std::move(copy));
            continue;
        }
        auto const& kept = merged.records_.back();
        bool const equal = kept.record.size == copy.record.size && kept.record.digest == copy.record.digest;
        GATESWEEP_VALIDATE(
            equal, ExitCode::internal,
            "{} {}: {} (offset {}) and {} (offset {}) hold different results (the same work must give the "
            "same bytes, so neither can be trusted): remove both files to compute them again, and run "
            "'verify' on these machines",
            copy.record.kind, printable(copy.record.key), merged.files_[kept.file].string(), kept.record.offset,
            merged.files_[copy.file].string(), copy.record.offset);
        ++merged.num_duplicates_;
    }
    return merged;
}

MergedRecords merge_logs(std::vector<std::filesystem::path> const& files, RunIdentity const& identity) {
    std::vector<RecordLog> logs;
    for (auto const& file : files) {
        logs.push_back(read_log(file));
        require_identity(logs.back(), identity);
    }
    return merge_logs(logs);
}

}  // namespace gatesweep
