#include "gatesweep/store/run_directory.h"

#include <array>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/completions.h"
#include "gatesweep/store/npy.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

constexpr std::array<char const*, 3> subfolders = {"arrays", "tables", "figures"};
constexpr char const* log_name = "log";  // of the work done so far, where a run keeps it
constexpr char const* manifest_name = "manifest.json";
constexpr char const* complete_name = "COMPLETE";

// Made by write_file_atomically and left behind when the process was killed inside it.
bool is_unfinished(std::string const& name) {
    auto const mark = name.rfind(".tmp");
    if (mark == std::string::npos || mark + 4 == name.size()) return false;
    return name.find_first_not_of("0123456789", mark + 4) == std::string::npos;
}

// A run's folder is known by its mark, or by its manifest when it was copied without hidden files.
bool is_run_folder(fs::path const& folder) {
    if (file_kind(folder / FolderLock::file_name) != FileKind::missing) return true;
    if (file_kind(folder / manifest_name) == FileKind::missing) return false;
    read_manifest(folder);
    return true;
}

fs::path made_ours(fs::path const& folder) {
    create_folder(folder);
    bool ours = list_folder(folder).empty();
    try {
        ours = ours || is_run_folder(folder);
    } catch (Error const& error) {
        if (error.code() != ExitCode::bad_data) throw;
        ours = false;  // some other program's manifest.json
    }
    GATESWEEP_VALIDATE(ours, ExitCode::cannot_create,
                       "{}: holds files that are not a run's (they could be overwritten): choose a new or empty folder",
                       folder.string());
    return fs::absolute(folder).lexically_normal();
}

}  // namespace

RunDirectory::RunDirectory(fs::path const& folder) : folder_(made_ours(folder)), lock_(folder_) {}

void RunDirectory::prepare_changes() {
    if (is_prepared_) return;
    remove_file(folder_ / complete_name);
    for (char const* name : subfolders)
        create_folder(folder_ / name);
    std::vector<fs::path> places = {folder_, folder_ / "arrays", folder_ / "tables", folder_ / "figures"};
    if (file_kind(folder_ / log_name) == FileKind::folder) places.push_back(folder_ / log_name);
    for (auto const& place : places) {
        for (auto const& entry : list_folder(place)) {
            if (is_unfinished(entry.filename().string()) && fs::is_regular_file(fs::symlink_status(entry)))
                remove_file(entry);
        }
        sync_folder(place);
    }
    is_prepared_ = true;
}

void RunDirectory::write_table(std::string_view table_name, CsvTable const& table) {
    write_listed(fmt::format("tables/{}.csv", table_name), to_csv(table));
}

template <class T>
void RunDirectory::write_array(std::string_view array_name, NdArray<T> const& array) {
    write_listed(fmt::format("arrays/{}.npy", array_name), to_npy(array));
}
template void RunDirectory::write_array(std::string_view, NdArray<std::int64_t> const&);
template void RunDirectory::write_array(std::string_view, NdArray<double> const&);

void RunDirectory::write_completions(std::string_view lines) {
    write_listed(completions_name, lines);
}

void RunDirectory::copy_from(fs::path const& other_folder, std::string const& relative_path,
                             std::string const& digest) {
    prepare_changes();
    copy_file_atomically(other_folder / relative_path, path_of(relative_path));
    files_[relative_path] = digest;
}

void RunDirectory::write_text(std::string_view relative_path, std::string_view text) {
    prepare_changes();
    write_file_atomically(path_of(relative_path), text);
}

void RunDirectory::remove_table(std::string_view table_name) {
    prepare_changes();
    auto const relative_path = fmt::format("tables/{}.csv", table_name);
    remove_file(path_of(relative_path));
    files_.erase(relative_path);
}

void RunDirectory::write_manifest(Manifest manifest) {
    prepare_changes();
    manifest.files = files_;
    for (auto const& [place, extension] : {std::pair{"arrays", ".npy"}, std::pair{"tables", ".csv"}}) {
        for (auto const& entry : list_folder(folder_ / place)) {
            if (entry.extension() != extension) continue;
            auto const relative_path = fmt::format("{}/{}", place, entry.filename().string());
            if (!files_.contains(relative_path)) manifest.files[relative_path] = sha256_hex_of_file(entry);
        }
    }
    if (fs::path const file = folder_ / completions_name;
        !files_.contains(completions_name) && file_kind(file) == FileKind::file)
        manifest.files[completions_name] = sha256_hex_of_file(file);
    write_text(manifest_name, to_json(manifest));
}

void RunDirectory::complete(Manifest const& manifest) {
    write_manifest(manifest);
    for (char const* name : subfolders)
        sync_folder(folder_ / name);
    sync_folder(folder_);
    write_text(complete_name, sha256_hex_of_file(folder_ / manifest_name) + "\n");
    sync_folder(folder_);
}

fs::path RunDirectory::path_of(std::string_view relative_path) const {
    fs::path const relative = fs::path(relative_path).lexically_normal();
    bool const inside =
        relative.is_relative() && !relative.empty() && *relative.begin() != ".." && relative.has_filename();
    GATESWEEP_VALIDATE(inside, ExitCode::internal, "file {} would lie outside the run's folder",
                       printable(relative_path));
    return folder_ / relative;
}

void RunDirectory::write_listed(std::string const& relative_path, std::string_view bytes) {
    write_text(relative_path, bytes);
    files_[relative_path] = sha256_hex(bytes);
}

bool is_complete(fs::path const& folder) {
    for (char const* name : {complete_name, manifest_name}) {
        if (file_kind(folder / name) != FileKind::file) return false;
    }
    return read_file(folder / complete_name, 4096) == sha256_hex_of_file(folder / manifest_name) + "\n";
}

std::vector<std::string> changed_files(fs::path const& folder, Manifest const& manifest) {
    std::vector<std::string> changed;
    for (auto const& [relative_path, digest] : manifest.files) {
        auto const path = folder / relative_path;
        if (file_kind(path) != FileKind::file || sha256_hex_of_file(path) != digest) changed.push_back(relative_path);
    }
    return changed;
}

}  // namespace gatesweep
