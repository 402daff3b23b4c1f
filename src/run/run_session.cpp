#include "gatesweep/run/run_session.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>

#include "gatesweep/base/build_config.h"
#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/host_name.h"
#include "gatesweep/base/log.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/comm/mpi_session.h"
#include "gatesweep/comm/tensor_collectives.h"
#include "gatesweep/input/job_writer.h"
#include "gatesweep/model/adapter_files.h"
#include "gatesweep/run/job_growth.h"
#include "gatesweep/run/run_identity.h"
#include "gatesweep/run/stored_run.h"
#include "gatesweep/run/work_log.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_differences = 8;

std::optional<ManifestAdapter> adapter_of(fs::path const& folder) {
    if (folder.empty()) return std::nullopt;
    ManifestAdapter adapter{folder.string(), {}};
    for (char const* name : {adapter_config_name, adapter_weights_name})
        adapter.files[name] = sha256_hex_of_file(folder / name);
    return adapter;
}

Manifest new_manifest(JobRequest const& request, Setup const& setup) {
    auto const& [inputs, config, layout, machine] = setup;
    Manifest manifest;
    manifest.version = GATESWEEP_VERSION;
    manifest.build = fmt::format("{} {} {}", GATESWEEP_GIT_REVISION, GATESWEEP_BUILD_TYPE, GATESWEEP_COMPILER);
    manifest.versions = {
        {"libtorch", GATESWEEP_LIBTORCH_VERSION}, {"mpi", mpi_library_version()}, {"nccl", nccl_version()}};
    manifest.host = host_name();
    manifest.command = request.arguments;
    manifest.job = to_toml(inputs.job);
    manifest.tokenization = to_string(inputs.job.model.tokenization);
    manifest.job_digest = job_digest(inputs.job);
    manifest.prompts_digest = inputs.prompts_digest;
    manifest.numerics_id = numerics_id(machine);
    manifest.family = config.family;
    manifest.adapter = adapter_of(inputs.job.model.adapter);
    manifest.moe_layers = config.sparse_layers();
    manifest.layout = {layout.world.size(),
                       layout.num_copies,
                       inputs.job.parallel.expert_parallel,
                       machine.threads,
                       machine.device.is_cuda() ? "cuda" : "cpu",
                       dtype_name(machine.dtype),
                       {},
                       {}};
    manifest.started = utc_now();
    manifest.attempts = {{manifest.started, "", manifest.host, layout.world.size(), ""}};
    return manifest;
}

// The sizes in the grid of a finished sweep.
std::optional<std::set<std::int64_t>> sizes_tried(fs::path const& folder) {
    fs::path const file = folder / "tables" / "trial_cells.csv";
    if (file_kind(file) != FileKind::file) return std::nullopt;
    CsvTable const cells = read_csv(file);
    std::set<std::int64_t> sizes;
    for (std::size_t row = 0; row < cells.rows.size(); ++row) {
        if (cells.text(row, "kind") != "custom") sizes.insert(cells.integer(row, "size"));
    }
    return sizes;
}

// What needs no model to be changed.
std::string way_without_model(std::vector<std::string> const& differences) {
    auto const concerns = [&](std::string_view section) {
        return std::ranges::any_of(differences, [&](std::string const& text) { return text.starts_with(section); });
    };
    std::string way;
    if (concerns("analysis."))
        way += "; gatesweep analyze DIR --set analysis.KEY=VALUE --out NEW gives other limits without the model";
    if (concerns("sweep.labels."))
        way += "; gatesweep relabel DIR --set sweep.labels.KEY=VALUE --out NEW labels the replies anew";
    return way;
}

}  // namespace

RunSession::RunSession(JobRequest const& request, Setup const& setup)
    : setup_(setup), log_folder_(request.out / "log") {
    Communicator const& world = setup.layout.world;
    fail_once(world, [&] {
        if (setup.layout.is_final_rank()) look_at_folder(request);
    });
    was_complete_ = world.all_reduce_max(was_complete_ ? 1 : 0) != 0;
}

void RunSession::look_at_folder(JobRequest const& request) {
    manifest_ = new_manifest(request, setup_);
    folder_.emplace(request.out);
    if (file_kind(request.out / "manifest.json") != FileKind::file) return;
    before_ = read_manifest(request.out);
    bool const complete = is_complete(request.out);
    if (!complete && !before_->origin && !holds_work(log_folder_))
        before_.reset();  // nothing to go on from, or to lose
    if (before_) {
        refuse_derived_results(*before_);
        refuse_other_work(*before_);
    }
    // Its sets were chosen with other limits than those of its job.toml.
    bool const is_analysed_again = before_ && before_->origin && before_->origin->command == "analyze";
    was_complete_ = complete && !is_analysed_again && before_->prompts_digest == manifest_.prompts_digest &&
                    job_differences(before_->job, manifest_.job).empty();
    was_finished_ = complete;
    if (was_complete_) validate_unchanged(request.out, *before_);  // nothing will be written anew
}

std::vector<std::string> RunSession::differences_of_jobs(Manifest const& before) const {
    std::vector<std::string> const differences = job_differences(before.job, manifest_.job);
    if (differences.empty()) return {};
    try {
        Job const was = parse_stored_job(before.job, "the job of " + log_folder_.parent_path().string());
        return differences_beyond_growth(was, setup_.inputs.job, sizes_tried(log_folder_.parent_path()));
    } catch (Error const&) {
        return differences;  // the job of an older version
    }
}

void RunSession::refuse_derived_results(Manifest const& before) const {
    fs::path const folder = fs::absolute(log_folder_.parent_path()).lexically_normal();
    GATESWEEP_VALIDATE(!before.origin || before.origin->folder == folder || holds_work(log_folder_),
                       ExitCode::cannot_create,
                       "{} was made by gatesweep {} of {}, from what that run measured (there is no work to go on "
                       "from): choose another "
                       "--out",
                       folder.string(), before.origin->command, before.origin->folder);
}

void RunSession::refuse_other_work(Manifest const& before) const {
    std::vector<std::string> differences = differences_of_jobs(before);
    if (fs::path const list = log_folder_ / "prompts.csv"; file_kind(list) == FileKind::file) {
        std::string const gone = prompt_difference(read_csv(list), prompt_list(setup_.inputs));
        if (!gone.empty()) differences.push_back(gone);
    } else if (before.prompts_digest != manifest_.prompts_digest) {
        differences.push_back("prompts: others (which, only log/prompts.csv could tell)");
    }
    RunIdentity const was{"", "", before.weights_digest, before.numerics_id};
    RunIdentity const is{"", "", manifest_.weights_digest.empty() ? before.weights_digest : manifest_.weights_digest,
                         manifest_.numerics_id};
    if (std::string const other = describe_differences(was, is); !other.empty()) {
        differences.push_back(
            other + (before.numerics_id != is.numerics
                         ? fmt::format(" (build {} on {} before, {} now)", before.build, before.host, manifest_.build)
                         : ""));
    }
    std::size_t const more = differences.size() - std::min(differences.size(), max_differences);
    differences.resize(differences.size() - more);
    if (more > 0) differences.push_back(fmt::format("and {} more", more));
    fs::path const folder = log_folder_.parent_path();
    GATESWEEP_VALIDATE(
        differences.empty(), ExitCode::cannot_create,
        "{} holds work that differs from this start (results of two kinds would be mixed, or lost): {}: choose another "
        "--out, remove the folder, or go on as it was begun with {}{}",
        folder.string(), fmt::join(differences, "; "), (folder / "job.toml").string(), way_without_model(differences));
}

void RunSession::open_ledger(std::string const& weights_digest) {
    Communicator const& world = setup_.layout.world;
    int const root = setup_.layout.final_rank();
    RunIdentity const identity{"", "", weights_digest, numerics_id(setup_.machine)};
    CommittedWork work;
    fail_once(world, [&] {
        if (!folder_) return;
        manifest_.weights_digest = weights_digest;
        if (before_) refuse_other_work(*before_);
        if (was_complete_) return;
        work = read_committed_work(log_folder_, identity);
        write_down();
    });
    if (was_complete_) return;
    ledger_ = gatesweep::open_ledger(std::move(work), log_folder_, identity, world, root);
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
    for (auto const& [name, count] : planned_)
        table.add(name, count);
    write_file_atomically(log_folder_ / "planned.csv", to_csv(table));
}

void RunSession::end(std::string const& outcome) {
    // A start that ended before it measured anything leaves what earlier starts left: the manifest decides what may be
    // gone on with.
    if (!folder_ || (!is_written_down_ && (before_ || holds_work(log_folder_)))) return;
    manifest_.finished = utc_now();
    manifest_.attempts.back().finished = manifest_.finished;
    manifest_.attempts.back().outcome = outcome.substr(0, outcome.find('\n'));
    folder_->write_manifest(manifest_);
}

}  // namespace gatesweep
