#include "gatesweep/run/stored_run.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "gatesweep/analysis/stored_signals.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/log.h"
#include "gatesweep/run/inputs.h"
#include "gatesweep/run/run_identity.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/store/folder_lock.h"
#include "gatesweep/store/run_directory.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

// The experts that the run marked: from the job's own list, or, where that is on another machine, from the run's table.
std::vector<ExpertId> stored_marks(fs::path const& folder, fs::path const& list) {
    if (list.empty()) return {};
    if (file_kind(list) != FileKind::missing) return read_marks(list);
    fs::path const table = folder / "tables" / "marked_experts.csv";
    GATESWEEP_VALIDATE(file_kind(table) != FileKind::missing, ExitCode::input_missing,
                       "{}: the list of marked experts is not there (job.toml of the run names it), nor is {}: put "
                       "one of them back",
                       list.string(), table.string());
    CsvTable const rows = read_csv(table);
    std::vector<ExpertId> marks;
    for (std::size_t row = 0; row < rows.rows.size(); ++row) {
        ExpertId const mark{rows.integer(row, "layer"), rows.integer(row, "expert")};
        if (std::find(marks.begin(), marks.end(), mark) == marks.end()) marks.push_back(mark);
    }
    return marks;
}

}  // namespace

void validate_run_folder(fs::path const& folder) {
    GATESWEEP_VALIDATE(file_kind(folder) != FileKind::missing, ExitCode::input_missing,
                       "{}: there is no such folder: name the folder that a run was told with --out", folder.string());
    bool is_run = file_kind(folder) == FileKind::folder;
    if (is_run) {
        is_run = file_kind(folder / FolderLock::file_name) == FileKind::file ||
                 file_kind(folder / "manifest.json") == FileKind::file ||
                 file_kind(folder / "job.toml") == FileKind::file;
    }
    GATESWEEP_VALIDATE(is_run, ExitCode::bad_data,
                       "{}: is not the folder of a run (no manifest.json, no job.toml): name the folder that a run was "
                       "told with --out",
                       folder.string());
}

std::vector<std::string> files_changed_since(fs::path const& folder, Manifest const& manifest) {
    std::vector<std::string> changed = changed_files(folder, manifest);
    fs::path const job = folder / "job.toml";
    if (file_kind(job) != FileKind::file || !job_differences(manifest.job, read_file(job)).empty())
        changed.emplace_back("job.toml");
    return changed;
}

void validate_unchanged(fs::path const& folder, Manifest const& manifest) {
    auto const changed = files_changed_since(folder, manifest);
    GATESWEEP_VALIDATE(
        changed.empty(), ExitCode::bad_data,
        "{}: {} {} missing or not what the run wrote: copy the folder again, or for tables of the signals run "
        "gatesweep analyze, or remove COMPLETE and run the job again, which writes all of them anew from log/",
        folder.string(), fmt::join(changed, ", "), changed.size() == 1 ? "is" : "are");
}

AnalysisInput read_stored_input(fs::path const& folder, Job const& job) {
    validate_run_folder(folder);
    AnalysisInput input = read_signals(folder);
    input.parameters = job.analysis;
    input.scores = job.scores;
    input.audit.parameters = job.audit;
    auto const& shape = input.activation_counts.shape;
    input.imported = read_imports(job.scores, shape[1], shape[2], input.moe_layers);
    input.marks = stored_marks(folder, job.report.mark);
    return input;
}

}  // namespace gatesweep
