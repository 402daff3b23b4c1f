#include "gatesweep/base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <utility>

#include "gatesweep/base/error.h"
#include "gatesweep/base/system_call.h"

namespace gatesweep {
namespace {

std::string reason() {
    if (errno == EFBIG) return fmt::format("{} (the limit on the size of files, ulimit -f)", std::strerror(errno));
    return std::strerror(errno);
}

// Whether the path or its permissions are to blame rather than the disk.
bool is_about_the_path(int error) {
    return error == ENOENT || error == ENOTDIR || error == EACCES || error == EPERM || error == ELOOP ||
           error == ENAMETOOLONG;
}

}  // namespace

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
    // O_NONBLOCK: opening a pipe must not wait for its writer.
    descriptor_ = system_call::open(path_, O_RDONLY | O_NONBLOCK);
    GATESWEEP_VALIDATE(descriptor_ >= 0, is_about_the_path(errno) ? ExitCode::input_missing : ExitCode::io,
                       "{}: cannot be opened: {}: check the path and its permissions", path_.string(), reason());
    struct stat status {};
    bool const known = system_call::stat(descriptor_, path_, status) == 0;
    if (!known || !S_ISREG(status.st_mode)) {
        std::string const why = known ? "" : reason();
        system_call::close(descriptor_, path_);
        GATESWEEP_VALIDATE(known, ExitCode::io, "{}: reading failed: {}: check the disk, then run again",
                           path_.string(), why);
        fail(ExitCode::input_missing, "{}: not a regular file: name a file", path_.string());
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() {
    if (descriptor_ >= 0) system_call::close(descriptor_, path_);
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

void InputFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
    while (!out.empty()) {
        ssize_t const count = system_call::read_at(descriptor_, path_, offset, out);
        GATESWEEP_VALIDATE(count >= 0, ExitCode::io, "{}: reading failed: {}: check the disk, then run again",
                           path_.string(), reason());
        GATESWEEP_VALIDATE(count > 0, ExitCode::bad_data,
                           "{}: ends {} bytes early (it was {} bytes when opened): it was truncated or is still being "
                           "copied; copy it again",
                           path_.string(), out.size(), size_);
        offset += static_cast<std::uint64_t>(count);
        out = out.subspan(static_cast<std::size_t>(count));
    }
}

OutputFile::OutputFile(std::filesystem::path path, Existing existing) : path_(std::move(path)) {
    int const flags = O_WRONLY | O_CREAT | O_APPEND | (existing == Existing::refuse ? O_EXCL : O_TRUNC);
    descriptor_ = system_call::open(path_, flags);
    GATESWEEP_VALIDATE(descriptor_ >= 0, ExitCode::cannot_create,
                       "{}: cannot be created: {}: choose a folder you may write to", path_.string(), reason());
}

OutputFile::~OutputFile() {
    if (descriptor_ >= 0) system_call::close(descriptor_, path_);
}

void OutputFile::append(std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t const count = system_call::write(descriptor_, path_, bytes);
        GATESWEEP_VALIDATE(count > 0, ExitCode::io,
                           "{}: writing failed: {}: free space or repair the file system, then run again",
                           path_.string(), count == 0 ? "nothing was written" : reason());
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

void OutputFile::sync() {
    GATESWEEP_VALIDATE(system_call::sync_data(descriptor_, path_) == 0, ExitCode::io,
                       "{}: saving failed: {}: free space or repair the file system, then run again", path_.string(),
                       reason());
}

void OutputFile::close() {
    GATESWEEP_VALIDATE(system_call::close(std::exchange(descriptor_, -1), path_) == 0, ExitCode::io,
                       "{}: saving failed: {}: free space or repair the file system, then run again", path_.string(),
                       reason());
}

std::string read_file(std::filesystem::path const& path, std::uint64_t max_bytes) {
    InputFile const file(path);
    GATESWEEP_VALIDATE(file.size() <= max_bytes, ExitCode::bad_data,
                       "{}: {} bytes, more than the {} that such a file may have: is it the right file?", path.string(),
                       file.size(), max_bytes);
    std::string bytes(file.size(), '\0');
    file.read_at(0, std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

// Beside `path`, synced and renamed into place.
void write_file_atomically(std::filesystem::path const& path, std::function<void(OutputFile&)> const& write) {
    std::filesystem::path const temporary = path.string() + fmt::format(".tmp{}", ::getpid());
    OutputFile out(temporary, OutputFile::Existing::replace);
    try {
        write(out);
        out.sync();
        out.close();
        GATESWEEP_VALIDATE(system_call::rename(temporary, path) == 0, ExitCode::io,
                           "{}: cannot be renamed into place: {}: check the folder, then run again", path.string(),
                           reason());
    } catch (...) {
        system_call::unlink(temporary);  // half a file on a full disk helps nobody; a failure here changes nothing
        throw;
    }
}

void write_file_atomically(std::filesystem::path const& path, std::string_view bytes) {
    write_file_atomically(path, [&](OutputFile& out) { out.append(bytes); });
}

void copy_file_atomically(std::filesystem::path const& from, std::filesystem::path const& to) {
    constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 22;
    InputFile const in(from);
    write_file_atomically(to, [&](OutputFile& out) {
        std::string piece;
        for (std::uint64_t at = 0; at < in.size(); at += piece.size()) {
            piece.resize(std::min(piece_bytes, in.size() - at));
            in.read_at(at, std::as_writable_bytes(std::span(piece)));
            out.append(piece);
        }
    });
}

FileKind file_kind(std::filesystem::path const& path) {
    struct stat status {};
    if (system_call::stat(path, status) == 0) {
        if (S_ISREG(status.st_mode)) return FileKind::file;
        return S_ISDIR(status.st_mode) ? FileKind::folder : FileKind::other;
    }
    GATESWEEP_VALIDATE(errno == ENOENT || errno == ENOTDIR, ExitCode::io,
                       "{}: cannot be looked at: {}: check the path and its permissions", path.string(), reason());
    return FileKind::missing;
}

void create_folder(std::filesystem::path const& path) {
    std::filesystem::path so_far;
    for (auto const& part : path.lexically_normal()) {
        so_far /= part;
        if (part.empty() || part == "." || part == ".." || part == path.root_path()) continue;
        struct stat status {};
        // Looked at first: a file system that may not be written to refuses even a folder that exists.
        bool const exists = system_call::stat(so_far, status) == 0;
        bool const created = !exists && errno == ENOENT && system_call::make_folder(so_far) == 0;
        int const error = errno;
        if (created || (exists && S_ISDIR(status.st_mode))) continue;
        if (!exists && error == EEXIST && file_kind(so_far) == FileKind::folder)
            continue;  // another process was faster
        fail(ExitCode::cannot_create, "{}: the folder cannot be created: {}: choose another place", path.string(),
             exists || error == EEXIST ? "a file of that name is in the way" : std::strerror(error));
    }
}

std::vector<std::filesystem::path> list_folder(std::filesystem::path const& path) {
    std::vector<std::filesystem::path> entries;
    GATESWEEP_VALIDATE(system_call::list(path, entries) == 0, ExitCode::cannot_create,
                       "{}: cannot be listed: {}: choose a folder you may read and write", path.string(), reason());
    return entries;
}

void remove_file(std::filesystem::path const& path) {
    GATESWEEP_VALIDATE(system_call::unlink(path) == 0 || errno == ENOENT, ExitCode::io,
                       "{}: cannot be removed: {}: check the folder", path.string(), reason());
}

void rename_folder(std::filesystem::path const& from, std::filesystem::path const& to) {
    GATESWEEP_VALIDATE(system_call::rename(from, to) == 0, ExitCode::cannot_create,
                       "{}: the folder {} cannot be renamed to it: {}: choose a new folder", to.string(), from.string(),
                       reason());
    sync_folder(std::filesystem::absolute(to).parent_path());
}

void sync_folder(std::filesystem::path const& path) {
    int const folder = system_call::open(path, O_RDONLY | O_DIRECTORY);
    bool const synced = folder >= 0 && system_call::sync(folder, path) == 0;
    std::string const why = synced ? "" : reason();
    if (folder >= 0) system_call::close(folder, path);
    GATESWEEP_VALIDATE(synced, ExitCode::io,
                       "{}: the folder cannot be synced: {}: check the file system, then run again", path.string(),
                       why);
}

}  // namespace gatesweep
