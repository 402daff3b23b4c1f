#include "derived_run.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "gatesweep/base/build_config.h"
#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/host_name.h"
#include "gatesweep/base/log.h"
#include "gatesweep/input/job_writer.h"
#include "gatesweep/report/figures.h"
#include "gatesweep/report/html.h"
#include "gatesweep/run/run_identity.h"
#include "gatesweep/run/stored_run.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

void validate_keys(Options const& options, std::string_view command, std::vector<std::string_view> const& sections) {
    for (std::string const& setting : options.overrides) {
        std::string_view const key = std::string_view(setting).substr(setting.find_first_not_of(" \t"));
        bool const allowed =
            std::ranges::any_of(sections, [&](std::string_view section) { return key.starts_with(section); });
        GATESWEEP_VALIDATE(
            allowed, ExitCode::usage,
            "--set {}: {} changes keys of {} alone (what was measured would be another with other ones): "
            "run the job with it",
            printable(setting), command, fmt::join(sections, " and "));
    }
}

void validate_target(Options const& options, std::string_view command, std::vector<std::string> const& changes) {
    GATESWEEP_VALIDATE(options.out.empty() || !options.in_place, ExitCode::usage,
                       "--out and --in-place are both given (results go to one place): leave one out");
    GATESWEEP_VALIDATE(!options.out.empty() || options.in_place, ExitCode::usage,
                       "{} {} would replace results of the run ({}): name a new folder with --out, or say --in-place",
                       command, options.folder.string(),
                       changes.empty() ? "its labels are made anew" : fmt::format("{}", fmt::join(changes, "; ")));
    if (options.in_place) return;
    std::error_code ignored;
    GATESWEEP_VALIDATE(!fs::equivalent(options.out, options.folder, ignored), ExitCode::usage,
                       "--out {} is the folder of the run: name a new one, or say --in-place", options.out.string());
}

Manifest derived_manifest(Derivation const& derivation) {
    Manifest manifest = derivation.manifest;
    manifest.version = GATESWEEP_VERSION;
    manifest.build = fmt::format("{} {} {}", GATESWEEP_GIT_REVISION, GATESWEEP_BUILD_TYPE, GATESWEEP_COMPILER);
    manifest.command = derivation.arguments;
    manifest.job = to_toml(derivation.job);
    manifest.job_digest = job_digest(derivation.job);
    manifest.origin = ManifestOrigin{derivation.command, fs::absolute(derivation.source).lexically_normal().string(),
                                     derivation.manifest_digest, derivation.changes};
    std::string const now = utc_now(), changes = fmt::format("{}", fmt::join(derivation.changes, "; "));
    manifest.attempts.push_back(
        {now, now, host_name(), 1,
         fmt::format("{} by {} ({}): {}", derivation.command, GATESWEEP_VERSION, GATESWEEP_GIT_REVISION,
                     changes.empty() ? "no change of the job" : changes)});
    return manifest;
}

void validate_target_is_free(Derivation const& derivation) {
    fs::path const& target = derivation.target;
    if (derivation.source == target || file_kind(target / "manifest.json") != FileKind::file) return;
    Manifest const there = read_manifest(target);
    bool const same = there.origin && there.origin->command == derivation.command &&
                      there.origin->manifest == derivation.manifest_digest && there.job == to_toml(derivation.job);
    GATESWEEP_VALIDATE(same && !is_complete(target), ExitCode::cannot_create,
                       "{}: holds {} results already (they would be replaced): choose a new folder for --out",
                       target.string(), same ? "these" : "other");
}

}  // namespace

Derivation read_derivation(Options const& options, std::string command, std::vector<std::string_view> const& sections) {
    fs::path const& source = options.folder;
    validate_run_folder(source);
    GATESWEEP_VALIDATE(is_complete(source), ExitCode::bad_data,
                       "{}: the run is not complete (COMPLETE is missing, or not of its manifest.json): run its job "
                       "again, which goes on",
                       source.string());
    Derivation out;
    out.command = std::move(command);
    out.source = source;
    out.target = options.in_place ? source : options.out;
    out.arguments = options.arguments;
    out.manifest = read_manifest(source);
    out.manifest_digest = sha256_hex_of_file(source / "manifest.json");
    validate_unchanged(source, out.manifest);
    validate_keys(options, out.command, sections);
    out.job = load_stored_job(source / "job.toml", options.overrides);
    out.changes = job_differences(to_toml(load_stored_job(source / "job.toml")), to_toml(out.job));
    validate_target(options, out.command, out.changes);
    validate_target_is_free(out);
    return out;
}

void say_changes(std::vector<std::string> const& changes) {
    for (std::size_t i = 0; i < changes.size(); ++i)
        say(i == 0 ? "changed" : "", changes[i]);
}

void begin_derived(Derivation const& derivation, RunDirectory& run) {
    Manifest const manifest = derived_manifest(derivation);
    run.write_text("job.toml", manifest.job);
    run.write_manifest(manifest);
}

void write_derived(Derivation const& derivation, std::vector<std::string> const& rewritten, RunDirectory& run,
                   std::function<void(RunDirectory&)> const& write) {
    Manifest const manifest = derived_manifest(derivation);
    run.write_text("job.toml", manifest.job);
    bool const in_place = derivation.source == derivation.target;
    for (auto const& [path, digest] : derivation.manifest.files) {
        bool const is_needed = std::ranges::find(rewritten, path) == rewritten.end();
        if (!in_place && is_needed) run.copy_from(derivation.source, path, digest);
    }
    write(run);
    if (fs::path const timings = derivation.source / "timings.csv"; !in_place && file_kind(timings) == FileKind::file)
        run.write_text("timings.csv", read_file(timings));
    run.write_manifest(manifest);
    draw_figures(run.folder());
    write_report_html(run.folder());
    run.complete(manifest);
}

}  // namespace gatesweep
