#include "commands.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "derived_run.h"
#include "gatesweep/analysis/tables.h"
#include "gatesweep/base/build_config.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/host_name.h"
#include "gatesweep/base/log.h"
#include "gatesweep/report/figures.h"
#include "gatesweep/report/html.h"
#include "gatesweep/run/machine.h"
#include "gatesweep/run/screen.h"
#include "gatesweep/run/stored_replies.h"
#include "gatesweep/run/stored_run.h"
#include "gatesweep/store/npy.h"
#include "gatesweep/store/run_directory.h"
#include "gatesweep/sweep/sweep_tables.h"
#include "print_headline.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

std::optional<Manifest> stored_manifest(fs::path const& folder) {
    if (file_kind(folder / "manifest.json") == FileKind::missing) return std::nullopt;
    return read_manifest(folder);
}

// New digests are about to be written, so what is not written anew must be what the run left.
void validate_kept_files(fs::path const& folder, Manifest const& manifest, std::vector<CsvTable> const& redone) {
    std::set<std::string> names;
    for (CsvTable const& table : redone)
        names.insert(fmt::format("tables/{}.csv", table.name));
    names.insert("tables/marked_experts.csv");
    names.erase("tables/prompts.csv");  // losses and ids come from nowhere else
    std::vector<std::string> changed = files_changed_since(folder, manifest);
    std::erase_if(changed, [&](std::string const& name) { return names.contains(name); });
    GATESWEEP_VALIDATE(changed.empty(), ExitCode::bad_data,
                       "{}: {} {} missing or not what the run wrote (analysis starts from it): copy the folder again, "
                       "or run the job anew",
                       folder.string(), fmt::join(changed, ", "), changed.size() == 1 ? "is" : "are");
}

// The files are those of a whole run, though COMPLETE may be gone: an earlier analysis was killed half-way.
bool was_finished(Manifest const& manifest) {
    return std::any_of(manifest.attempts.begin(), manifest.attempts.end(),
                       [](ManifestAttempt const& attempt) { return attempt.outcome == "complete"; });
}

}  // namespace

namespace {

// The same limits, in the run's own folder: what was lost or damaged of the tables comes back.
void analyze_as_before(fs::path const& folder) {
    validate_run_folder(folder);
    AnalysisInput const input = read_stored_input(folder, load_stored_job(folder / "job.toml"));
    AnalysisResult const result = analyze(input);
    std::optional<Manifest> manifest = stored_manifest(folder);
    if (manifest) validate_kept_files(folder, *manifest, signal_tables(input, result));

    // All reading that can fail is done: from here the folder changes.
    RunDirectory run(folder);
    write_tables(input, result, run);
    if (manifest) {
        std::string const now = utc_now();
        manifest->attempts.push_back(
            {now, now, host_name(), 1,
             fmt::format("analysed again by {} ({})", GATESWEEP_VERSION, GATESWEEP_GIT_REVISION)});
        run.write_manifest(*manifest);
    }
    draw_figures(run.folder());
    write_report_html(run.folder());
    if (manifest && was_finished(*manifest)) run.complete(*manifest);
}

void analyze_with_changes(Options const& options) {
    Derivation const derivation = read_derivation(options, "analyze", {"analysis.", "scores.", "report."});
    AnalysisInput const input = read_stored_input(derivation.source, derivation.job);
    AnalysisResult const result = analyze(input);
    std::string const& by = derivation.job.report.by;
    if (!by.empty()) input.metadata.column(by);
    std::optional<StoredReplies> stored;  // where the table by category may be another
    if (!by.empty() && derivation.job.sweep.enabled) stored = read_stored_replies(derivation.source);
    RunDirectory run(derivation.target);
    say_changes(derivation.changes);
    if (derivation.job.sweep.enabled)
        say("", "sets of the sweep were chosen with the run's own values: to try others, run the job with these");
    write_derived(derivation, {}, run, [&](RunDirectory& to) {
        write_tables(input, result, to);
        if (stored)
            write_category_effects(stored->sweep.plan, stored->outcomes(derivation.job.sweep, stored->label), by,
                                   input.metadata, to);
        if (by.empty()) to.remove_table("category_effects");
        fs::path const screen = derivation.source / "arrays" / "screen_margin_change.npy";
        if (file_kind(screen) == FileKind::missing) return;
        write_provider_screen(result.providers, read_npy<double>(screen), derivation.job.sweep, input.groups,
                              derivation.job.analysis.top, to);
    });
}

}  // namespace

void analyze_run(Options const& options) {
    bool const is_plain = options.overrides.empty() && options.out.empty();
    is_plain ? analyze_as_before(options.folder) : analyze_with_changes(options);
    fs::path const& folder = options.out.empty() ? options.folder : options.out;
    print_headline(folder);
    say("report", (folder / "report.html").string());
}

}  // namespace gatesweep
