#include "gatesweep/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

std::string reason() { return std::strerror(errno); }

// A descriptor that is closed on the way out of an error; close() reports what close(2) reports.
class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(Descriptor const&) = delete;
    Descriptor& operator=(Descriptor const&) = delete;
    int get() const { return fd_; }
    bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

private:
    int fd_;
};

void write_all(Descriptor const& out, std::filesystem::path const& path, std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t const count = ::write(out.get(), bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        GATESWEEP_VALIDATE(count > 0, ExitCode::io, "{}: writing failed: {}: free space or repair the file system, then run again",
                           path.string(), reason());
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

}  // namespace

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    GATESWEEP_VALIDATE(descriptor_ >= 0, ExitCode::input_missing, "{}: cannot be opened: {}: check the path and its permissions",
                       path_.string(), reason());
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
        ::close(descriptor_);
        fail(ExitCode::input_missing, "{}: not a regular file: name a file", path_.string());
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

void InputFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
    while (!out.empty()) {
        ssize_t const count = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        GATESWEEP_VALIDATE(count >= 0, ExitCode::io, "{}: reading failed: {}: check the disk, then run again", path_.string(),
                           reason());
        GATESWEEP_VALIDATE(count > 0, ExitCode::bad_data,
                           "{}: ends {} bytes early (it was {} bytes when opened): it was truncated or is still being copied; copy it again",
                           path_.string(), out.size(), size_);
        offset += static_cast<std::uint64_t>(count);
        out = out.subspan(static_cast<std::size_t>(count));
    }
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

void write_file_atomically(std::filesystem::path const& path, std::string_view bytes) {
    std::filesystem::path const temporary = path.string() + fmt::format(".tmp{}", ::getpid());
    Descriptor out(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    GATESWEEP_VALIDATE(out.get() >= 0, ExitCode::cannot_create, "{}: cannot be created: {}: choose a folder you may write to",
                       temporary.string(), reason());
    write_all(out, temporary, bytes);
    // A full disk may show only here, so both results count.
    GATESWEEP_VALIDATE(::fsync(out.get()) == 0 && out.close(), ExitCode::io,
                       "{}: saving failed: {}: free space or repair the file system, then run again", temporary.string(), reason());
    GATESWEEP_VALIDATE(::rename(temporary.c_str(), path.c_str()) == 0, ExitCode::io,
                       "{}: cannot be renamed into place: {}: check the folder, then run again", path.string(), reason());
}

void create_folder(std::filesystem::path const& path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    GATESWEEP_VALIDATE(!error && std::filesystem::is_directory(path), ExitCode::cannot_create,
                       "{}: the folder cannot be created: {}: choose another place", path.string(),
                       error ? error.message() : "a file of that name is in the way");
}

void remove_file(std::filesystem::path const& path) {
    GATESWEEP_VALIDATE(::unlink(path.c_str()) == 0 || errno == ENOENT, ExitCode::io, "{}: cannot be removed: {}: check the folder",
                       path.string(), reason());
}

void sync_folder(std::filesystem::path const& path) {
    Descriptor const folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    GATESWEEP_VALIDATE(folder.get() >= 0 && ::fsync(folder.get()) == 0, ExitCode::io,
                       "{}: the folder cannot be synced: {}: check the file system, then run again", path.string(), reason());
}

}  // namespace gatesweep
