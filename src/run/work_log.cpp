#include "gatesweep/run/work_log.h"

#include <fmt/ranges.h>

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <memory>

#include "gatesweep/base/file.h"
#include "gatesweep/base/host_name.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/words.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/store/record_writer.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

// "230 signals, 1240 completions"
std::string counts_text(MergedRecords const& records) {
    std::vector<std::string> parts;
    for (auto const& [kind, count] : records.counts_by_kind())
        parts.push_back(plural(count, kind));
    return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

bool holds_work(fs::path const& folder) {
    return std::ranges::any_of(list_logs(folder, work_log_kind),
                               [](fs::path const& file) { return !read_log(file).records.empty(); });
}

CommittedWork read_committed_work(fs::path const& folder, RunIdentity const& identity) {
    std::vector<RecordLog> logs;
    for (fs::path const& file : list_logs(folder, work_log_kind)) {
        RecordLog log = read_log(file);
        if (!log.records.empty()) logs.push_back(std::move(log));
    }
    for (RecordLog const& log : logs)
        require_identity(log, identity);
    CommittedWork work;
    work.stored = merge_logs(logs);
    work.attempt = next_attempt(folder);
    for (MergedRecord const& merged : work.stored->records())
        work.known.push_back(Ledger::name(merged.record.kind, merged.record.key));
    return work;
}

Ledger open_ledger(CommittedWork work, fs::path const& folder, RunIdentity const& identity, Communicator const& world,
                   int root) {
    std::string going_on;
    if (work.stored) {
        for (std::string const& notice : work.stored->notices())
            warn(notice);
        if (!work.known.empty())
            going_on =
                fmt::format("start {} of this run; there already: {}", work.attempt + 1, counts_text(*work.stored));
    }
    world.broadcast_value(going_on, root);
    world.broadcast_value(work.attempt, root);
    world.broadcast_value(work.known, root);
    if (!going_on.empty()) say("resume", going_on);
    std::unique_ptr<RecordWriter> writer;
    fail_once(world, [&] {
        GATESWEEP_VALIDATE(
            file_kind(folder) == FileKind::folder, ExitCode::cannot_create,
            "{} is not there on {}, though another rank made it (each rank commits its own work): name a folder that "
            "all nodes share",
            folder.string(), host_name());
        writer = std::make_unique<RecordWriter>(folder / LogName{work_log_kind, work.attempt, world.rank()}.file_name(),
                                                identity);
    });
    return {work.known, std::move(work.stored), std::move(writer)};
}

}  // namespace gatesweep
