// The one place that opens, reads, writes, syncs and renames files. Every failure is an Error with path and reason:
// ExitCode::input_missing when an input does not exist or may not be opened, io for a failed read or write,
// cannot_create when an output cannot be created.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep {

// A regular file open for reading by position; safe to share between threads.
class InputFile {
public:
    explicit InputFile(std::filesystem::path path);
    ~InputFile();
    InputFile(InputFile&& other) noexcept;
    InputFile& operator=(InputFile&&) = delete;
    InputFile(InputFile const&) = delete;

    std::filesystem::path const& path() const { return path_; }
    std::uint64_t size() const { return size_; }
    // Reads exactly out.size() bytes from `offset`; a file that ends before that is an error (it was truncated).
    void read_at(std::uint64_t offset, std::span<std::byte> out) const;

private:
    std::filesystem::path path_;
    int descriptor_ = -1;
    std::uint64_t size_ = 0;
};

// A file written from front to back; what sync() returned for stays after a crash or a power cut, once the folder was
// synced after the creation too.
class OutputFile {
public:
    enum class Existing { refuse, replace };
    // cannot_create, also when the file exists and must not.
    OutputFile(std::filesystem::path path, Existing existing);
    ~OutputFile();
    OutputFile(OutputFile const&) = delete;
    OutputFile& operator=(OutputFile const&) = delete;

    std::filesystem::path const& path() const { return path_; }
    void append(std::string_view bytes);
    void sync();
    // Reports what a full disk or a server says only now; the destructor closes without a word.
    void close();

private:
    std::filesystem::path path_;
    int descriptor_ = -1;
};

// The whole file; larger than max_bytes is an error (bad_data).
std::string read_file(std::filesystem::path const& path, std::uint64_t max_bytes = std::uint64_t{1} << 32);

// Writes beside `path`, syncs, renames into place: readers see the old file or the whole new one.
void write_file_atomically(std::filesystem::path const& path, std::string_view bytes);
// The same with what `write` appends.
void write_file_atomically(std::filesystem::path const& path, std::function<void(OutputFile&)> const& write);

// The same with the bytes of another file, a piece at a time.
void copy_file_atomically(std::filesystem::path const& from, std::filesystem::path const& to);

enum class FileKind { missing, file, folder, other };
// Of what a link leads to. A path that cannot be looked at is an error, not missing.
FileKind file_kind(std::filesystem::path const& path);

// Creates the folder and its parents; an existing folder is fine.
void create_folder(std::filesystem::path const& path);
// Its entries, sorted; cannot_create when it cannot be listed.
std::vector<std::filesystem::path> list_folder(std::filesystem::path const& path);
void remove_file(std::filesystem::path const& path);  // a missing file is fine
// A folder takes its name where there is nothing of that name, or an empty folder; durable when it returns.
void rename_folder(std::filesystem::path const& from, std::filesystem::path const& to);
// Makes renames and creations in the folder durable.
void sync_folder(std::filesystem::path const& path);

}  // namespace gatesweep
