// The folder a run leaves: arrays/, tables/, figures/, manifest.json, COMPLETE. Held by one process of the job.
//
// Every file is written whole or not at all. COMPLETE is written last, after everything below the folder is on disk,
// and removed before the first change when work on the folder starts again: where it stands, manifest.json and the
// files it lists belong together.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/base/nd_array.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/store/folder_lock.h"
#include "gatesweep/store/manifest.h"

namespace gatesweep {

class RunDirectory {
public:
    // Creates the folder and locks it (FolderLock); what lies there stays as it is until the first change through this
    // object. ExitCode::cannot_create when it is in use, cannot be written, or holds files and is not a run's.
    explicit RunDirectory(std::filesystem::path const& folder);

    std::filesystem::path const& folder() const { return folder_; }

    // tables/NAME.csv and arrays/NAME.npy. T is std::int64_t or double.
    void write_table(std::string_view table_name, CsvTable const& table);
    template <class T>
    void write_array(std::string_view array_name, NdArray<T> const& array);
    // Every trial's answers: completions.jsonl.
    void write_completions(std::string_view lines);
    // A table, an array or completions.jsonl of another run, by its path below both folders, and its sha256.
    void copy_from(std::filesystem::path const& other_folder, std::string const& relative_path,
                   std::string const& digest);
    // Any other file, by its path below the folder.
    void write_text(std::string_view relative_path, std::string_view text);
    // A table that no longer applies; a missing one is fine.
    void remove_table(std::string_view table_name);

    // sha256 of each table, array and completions.jsonl written through this object, by path below the folder.
    std::map<std::string, std::string> const& files() const { return files_; }

    // Writes manifest.json, its `files` replaced by every table and array that the folder holds, and completions.jsonl
    // (those written by an earlier attempt included).
    void write_manifest(Manifest manifest);
    // The manifest, then COMPLETE, which holds the manifest's sha256.
    void complete(Manifest const& manifest);

private:
    // Before the first change: COMPLETE and the unfinished files of a killed attempt go, what belongs in the folder is
    // made.
    void prepare_changes();
    std::filesystem::path path_of(std::string_view relative_path) const;
    void write_listed(std::string const& relative_path, std::string_view bytes);

    std::filesystem::path folder_;
    FolderLock lock_;
    bool is_prepared_ = false;
    std::map<std::string, std::string> files_;
};

// Whether COMPLETE stands and belongs to the manifest beside it.
bool is_complete(std::filesystem::path const& folder);

// The files that `manifest` lists and that are missing from the folder or hold other bytes.
std::vector<std::string> changed_files(std::filesystem::path const& folder, Manifest const& manifest);

}  // namespace gatesweep
