#include "commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "gatesweep/base/file.h"
#include "gatesweep/base/words.h"
#include "gatesweep/comm/pulse.h"
#include "gatesweep/run/run_session.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/run/stored_run.h"
#include "gatesweep/run/work_log.h"
#include "gatesweep/store/completions.h"
#include "gatesweep/store/record_merge.h"
#include "gatesweep/store/run_directory.h"
#include "gatesweep/store/timings.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

void print(std::string_view topic, std::string_view text) {
    fmt::print("{:<9} {}\n", topic, text);
}

std::int64_t num_files(fs::path const& folder) {
    return file_kind(folder) == FileKind::folder ? static_cast<std::int64_t>(list_folder(folder).size()) : 0;
}

// "2 arrays, 13 tables, 41 figures, completions.jsonl", or "nothing yet".
std::string contents(fs::path const& folder) {
    std::vector<std::string> parts;
    for (auto const& [place, what] :
         {std::pair{"arrays", "array"}, std::pair{"tables", "table"}, std::pair{"figures", "figure file"}}) {
        if (auto const count = num_files(folder / place)) parts.push_back(plural(count, what));
    }
    for (char const* name : {"job.toml", completions_name, timings_name, "manifest.json", "report.html"}) {
        if (file_kind(folder / name) == FileKind::file) parts.emplace_back(name);
    }
    return parts.empty() ? "nothing yet" : fmt::format("{}", fmt::join(parts, ", "));
}

// "120 of 230 signals, 0 of 36110 completions": what was committed, of what the phases so far came to.
std::string committed(MergedRecords const& records, fs::path const& folder) {
    std::map<std::string, std::int64_t> done = records.counts_by_kind(), planned;
    if (fs::path const list = folder / "log" / "planned.csv"; file_kind(list) == FileKind::file) {
        CsvTable const table = read_csv(list);
        for (std::size_t row = 0; row < table.rows.size(); ++row)
            planned[table.text(row, "kind")] = table.integer(row, "records");
    }
    for (auto const& [kind, count] : done)
        planned.try_emplace(kind, count);
    std::vector<std::string> parts;
    for (auto const& [kind, count] : planned)
        parts.push_back(fmt::format("{} of {}", done[kind], plural(count, printable(kind))));
    return parts.empty() ? "nothing yet" : fmt::format("{}", fmt::join(parts, ", "));
}

MergedRecords read_work(fs::path const& folder, std::optional<ManifestOrigin> const& origin) {
    std::vector<RecordLog> logs;
    for (auto const& file : list_logs(origin ? relabel_log(folder) : folder / "log", work_log_kind))
        logs.push_back(read_log(file));
    return merge_logs(logs);
}

// Where the ranks of a start were when they last wrote their pulse; a rank that was killed left its last one.
void print_ranks(fs::path const& folder, std::int64_t num_ranks) {
    constexpr std::int64_t max_shown = 8;
    std::int64_t num_found = 0;
    for (int rank = 0; rank < num_ranks; ++rank) {
        auto const pulse = read_pulse(folder / "log", rank);
        if (!pulse || ++num_found > max_shown) continue;
        print(num_found == 1 ? "heard" : "",
              fmt::format("{}: {}", printable(pulse->who()), printable(pulse->activity.place())));
    }
    if (num_found > max_shown) print("", fmt::format("and {} more", plural(num_found - max_shown, "rank")));
}

void print_attempts(fs::path const& folder) {
    if (file_kind(folder / "manifest.json") != FileKind::file) return;
    Manifest const manifest = read_manifest(folder);
    if (manifest.attempts.empty()) return;
    ManifestAttempt const& last = manifest.attempts.back();
    print_ranks(folder, last.ranks);
    print("starts", fmt::format("{}; the last {} on {} over {}: {}", manifest.attempts.size(), last.started,
                                printable(last.host), plural(last.ranks, "rank"),
                                last.outcome.empty() || last.outcome == "complete"
                                    ? "at work, or cut off"
                                    : fmt::format("{}, {}", printable(last.outcome, 200), last.finished)));
}

std::string next_command(fs::path const& folder, std::optional<Manifest> const& manifest) {
    if (manifest && manifest->origin) return fmt::format("{}", fmt::join(manifest->command, " "));
    fs::path const job = folder / "job.toml";
    return fmt::format("gatesweep run {} --out {}", file_kind(job) == FileKind::file ? job.string() : "JOB.toml",
                       folder.string());
}

std::optional<Manifest> manifest_of(fs::path const& folder) {
    return file_kind(folder / "manifest.json") == FileKind::file ? std::optional(read_manifest(folder)) : std::nullopt;
}

ExitCode print_unfinished(fs::path const& folder) {
    print("unfinished", "COMPLETE is not there: a run is at work, or was stopped");
    std::optional<Manifest> const manifest = manifest_of(folder);
    MergedRecords const work = read_work(folder, manifest ? manifest->origin : std::nullopt);
    print("committed", committed(work, folder));
    for (std::string const& notice : work.notices())
        print("", notice);
    print_attempts(folder);
    print("holds", contents(folder));
    fs::path const mark = folder / FolderLock::file_name;
    // A run empties the file when it ends; what it says of one that was killed is still who was last.
    std::string const holder = file_kind(mark) == FileKind::file ? read_file(mark, 4096) : std::string();
    if (!holder.empty()) print("holder", printable(holder.substr(0, holder.find('\n'))));
    print("next", next_command(folder, manifest) + " goes on from there");
    return ExitCode::stopped;
}

}  // namespace

ExitCode print_status(Options const& options) {
    fs::path const& folder = options.folder;
    validate_run_folder(folder);
    if (options.count_only) {
        std::optional<Manifest> const manifest = manifest_of(folder);
        fmt::print("{}\n", read_work(folder, manifest ? manifest->origin : std::nullopt).records().size());
        return is_complete(folder) ? ExitCode::ok : ExitCode::stopped;
    }
    if (!is_complete(folder)) {
        GATESWEEP_VALIDATE(file_kind(folder / "COMPLETE") == FileKind::missing, ExitCode::bad_data,
                           "{}: manifest.json is not the one that the run completed with (its digests cannot be "
                           "trusted): copy the folder again, or remove COMPLETE and run the job again",
                           folder.string());
        return print_unfinished(folder);
    }
    Manifest const manifest = read_manifest(folder);
    ManifestLayout const& layout = manifest.layout;
    print("complete", fmt::format("{}, gatesweep {} on {}", manifest.finished, manifest.version, manifest.host));
    print("layout", fmt::format("{} = {} x expert parallel {}, {}, {}, {} each", plural(layout.ranks, "rank"),
                                layout.copies == 1 ? "1 copy" : fmt::format("{} copies", layout.copies),
                                layout.expert_parallel, layout.device, layout.dtype, plural(layout.threads, "thread")));
    print("holds", contents(folder));
    validate_unchanged(folder, manifest);
    print("files",
          fmt::format("{} with digests, all as the run wrote them", plural(std::ssize(manifest.files), "file")));
    return ExitCode::ok;
}

}  // namespace gatesweep
