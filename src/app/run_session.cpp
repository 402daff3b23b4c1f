#include "run_session.h"

#include <fmt/ranges.h>

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>

#include "gatesweep/base/build_config.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/host_name.h"
#include "gatesweep/base/log.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/comm/tensor_collectives.h"
#include "run_identity.h"
#include "stored_run.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_differences = 8;

Manifest new_manifest(Options const& options, Setup const& setup) {
    auto const& [inputs, config, layout, machine] = setup;
    Manifest manifest;
    manifest.version = GATESWEEP_VERSION;
    manifest.build = fmt::format("{} {} {}", GATESWEEP_GIT_REVISION, GATESWEEP_BUILD_TYPE, GATESWEEP_COMPILER);
    manifest.versions = {{"libtorch", GATESWEEP_LIBTORCH_VERSION}, {"mpi", mpi_library_version()}, {"nccl", nccl_version()}};
    manifest.host = host_name();
    manifest.command = options.arguments;
    manifest.job = to_toml(inputs.job);
    manifest.job_digest = job_digest(inputs.job);
    manifest.prompts_digest = inputs.prompts_digest;
    manifest.numerics_id = numerics_id(machine);
    manifest.layout = {layout.world.size(), layout.num_copies, inputs.job.parallel.expert_parallel, machine.threads,
                       machine.device.is_cuda() ? "cuda" : "cpu", dtype_name(machine.dtype), {}, {}};
    manifest.started = utc_now();
    manifest.attempts = {{manifest.started, "", manifest.host, layout.world.size(), ""}};
    return manifest;
}

// "230 signals, 1240 completions"
std::string counts_text(MergedRecords const& records) {
    std::vector<std::string> parts;
    for (auto const& [kind, count] : records.counts_by_kind()) parts.push_back(plural(count, kind));
    return fmt::format("{}", fmt::join(parts, ", "));
}

// Stops at the first log that has: they are read whole once the weights are known.
bool holds_work(fs::path const& folder) {
    return std::ranges::any_of(list_logs(folder, work_log_kind), [](fs::path const& file) { return !read_log(file).records.empty(); });
}

// Logs of starts that ended before their first commit say nothing, not even about what they were started on.
std::vector<RecordLog> logs_with_work(fs::path const& folder) {
    std::vector<RecordLog> logs;
    for (fs::path const& file : list_logs(folder, work_log_kind)) {
        RecordLog log = read_log(file);
        if (!log.records.empty()) logs.push_back(std::move(log));
    }
    return logs;
}

}  // namespace

RunSession::RunSession(Options const& options, Setup const& setup) : setup_(setup), log_folder_(options.out / "log") {
    Communicator const& world = setup.layout.world;
    fail_once(world, [&] {
        if (setup.layout.is_final_rank()) look_at_folder(options);
    });
    was_complete_ = world.all_reduce_max(was_complete_ ? 1 : 0) != 0;
}

void RunSession::look_at_folder(Options const& options) {
    manifest_ = new_manifest(options, setup_);
    folder_.emplace(options.out);
    if (file_kind(options.out / "manifest.json") != FileKind::file) return;
    before_ = read_manifest(options.out);
    bool const complete = is_complete(options.out);
    if (!complete && !holds_work(log_folder_)) before_.reset();  // nothing to go on from, or to lose
    if (before_) refuse_other_work(*before_);
    was_complete_ = complete && before_->prompts_digest == manifest_.prompts_digest;
    was_finished_ = complete;
    if (was_complete_) validate_unchanged(options.out, *before_);  // nothing will be written anew
}

void RunSession::refuse_other_work(Manifest const& before) const {
    std::vector<std::string> differences = job_differences(before.job, manifest_.job);
    if (fs::path const list = log_folder_ / "prompts.csv"; file_kind(list) == FileKind::file) {
        std::string const gone = prompt_difference(read_csv(list), prompt_list(setup_.inputs));
        if (!gone.empty()) differences.push_back(gone);
    } else if (before.prompts_digest != manifest_.prompts_digest) {
        differences.push_back("prompts: others (which, only log/prompts.csv could tell)");
    }
    RunIdentity const was{"", "", before.weights_digest, before.numerics_id};
    RunIdentity const is{"", "", manifest_.weights_digest.empty() ? before.weights_digest : manifest_.weights_digest, manifest_.numerics_id};
    if (std::string const other = describe_differences(was, is); !other.empty()) {
        differences.push_back(other + (before.numerics_id != is.numerics ? fmt::format(" (build {} on {} before, {} now)", before.build, before.host, manifest_.build) : ""));
    }
    std::size_t const more = differences.size() - std::min(differences.size(), max_differences);
    differences.resize(differences.size() - more);
    if (more > 0) differences.push_back(fmt::format("and {} more", more));
    fs::path const folder = log_folder_.parent_path();
    GATESWEEP_VALIDATE(differences.empty(), ExitCode::cannot_create,
                       "{} holds work that differs from this start (results of two kinds would be mixed, or lost): {}: choose another "
                       "--out, remove the folder, or go on as it was begun with {}",
                       folder.string(), fmt::join(differences, "; "), (folder / "job.toml").string());
}

void RunSession::open_ledger(std::string const& weights_digest) {
    Communicator const& world = setup_.layout.world;
    int const root = setup_.layout.final_rank();
    RunIdentity const identity{"", "", weights_digest, numerics_id(setup_.machine)};
    std::int64_t attempt = 0;
    std::vector<std::string> known;
    std::optional<MergedRecords> stored;
    fail_once(world, [&] {
        if (!folder_) return;
        manifest_.weights_digest = weights_digest;
        if (before_) refuse_other_work(*before_);
        if (was_complete_) return;
        std::vector<RecordLog> const logs = logs_with_work(log_folder_);
        for (RecordLog const& log : logs) require_identity(log, identity);
        stored = merge_logs(logs);
        attempt = next_attempt(log_folder_);
        write_down();
        for (std::string const& notice : stored->notices()) warn(notice);
        for (MergedRecord const& merged : stored->records()) known.push_back(Ledger::name(merged.record.kind, merged.record.key));
    });
    if (was_complete_) return;
    std::string going_on;
    if (stored && !known.empty()) going_on = fmt::format("start {} of this run; there already: {}", attempt + 1, counts_text(*stored));
    world.broadcast_value(going_on, root);
    world.broadcast_value(attempt, root);
    world.broadcast_value(known, root);
    if (!going_on.empty()) say("resume", going_on);
    std::unique_ptr<RecordWriter> writer;
    fail_once(world, [&] {
        GATESWEEP_VALIDATE(file_kind(log_folder_) == FileKind::folder, ExitCode::cannot_create,
                           "{} is not there on {}, though another rank made it (each rank commits its own work): name a folder that "
                           "all nodes share",
                           log_folder_.string(), host_name());
        fs::path const log = log_folder_ / LogName{work_log_kind, attempt, world.rank()}.file_name();
        writer = std::make_unique<RecordWriter>(log, identity);
    });
    ledger_ = Ledger(known, std::move(stored), std::move(writer));
}

void RunSession::write_down() {
    if (before_) {
        manifest_.started = before_->started;
        manifest_.attempts.insert(manifest_.attempts.begin(), before_->attempts.begin(), before_->attempts.end());
        for (ManifestAttempt& attempt : manifest_.attempts) {
            if (attempt.outcome == "complete" && !was_finished_) attempt.outcome = "cut off in the report";
        }
    }
    folder_->write_text("job.toml", manifest_.job);
    create_folder(log_folder_);
    write_file_atomically(log_folder_ / "prompts.csv", to_csv(prompt_list(setup_.inputs)));
    folder_->write_manifest(manifest_);
    sync_folder(folder_->folder());
    is_written_down_ = true;
}

void RunSession::expect(std::string const& kind, std::int64_t num_records) {
    if (!folder_) return;
    planned_[kind] += num_records;
    CsvTable table{"planned", {"kind", "records"}, {}};
    for (auto const& [name, count] : planned_) table.add(name, count);
    write_file_atomically(log_folder_ / "planned.csv", to_csv(table));
}

void RunSession::end(std::string const& outcome) {
    // A start that came to nothing leaves what others left: the manifest decides what may be gone on with.
    if (!folder_ || (!is_written_down_ && (before_ || holds_work(log_folder_)))) return;
    manifest_.finished = utc_now();
    manifest_.attempts.back().finished = manifest_.finished;
    manifest_.attempts.back().outcome = outcome.substr(0, outcome.find('\n'));
    folder_->write_manifest(manifest_);
}

}  // namespace gatesweep
