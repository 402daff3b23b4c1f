#include "gatesweep/store/folder_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include "gatesweep/base/error.h"
#include "gatesweep/store/manifest.h"

namespace gatesweep {
namespace {

std::string host_name() {
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "unknown-host";
    return name;
}

// When a process began, in ticks since boot: tells it from a later one of the same id. Empty when it is gone.
std::string process_start(long pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string line;
    if (!std::getline(file, line)) return ::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM ? "unknown" : "";
    auto const command_end = line.rfind(')');  // the command's name may hold blanks
    std::istringstream fields(line.substr(command_end == std::string::npos ? 0 : command_end + 1));
    std::string field;
    for (int i = 0; i < 20; ++i)
        fields >> field;  // field 22 of the line, the 20th after the name
    return field;
}

// "host process start time [Slurm job]"
std::string holder_line() {
    char const* const job = std::getenv("SLURM_JOB_ID");
    return fmt::format("{} {} {} {}{}\n", host_name(), ::getpid(), process_start(::getpid()), utc_now(),
                       job ? fmt::format(" {}", printable(job)) : "");
}

struct Holder {
    std::string host, process, start, since, job;

    explicit Holder(int descriptor) {
        char text[512];
        ssize_t const count = ::pread(descriptor, text, sizeof text, 0);
        std::istringstream fields(std::string(text, count > 0 ? static_cast<std::size_t>(count) : 0));
        fields >> host >> process >> start >> since >> job;
    }
    bool is_dead() const {
        if (host != host_name()) return false;
        long const pid = std::strtol(process.c_str(), nullptr, 10);
        return pid <= 0 || process_start(pid) != start;
    }
    std::string describe() const {
        if (host.empty()) return "another process";
        return fmt::format("process {} on {}{} since {}", printable(process), printable(host),
                           job.empty() ? "" : fmt::format(" (Slurm job {})", printable(job)), printable(since));
    }
};

void write_holder(int descriptor, std::filesystem::path const& path) {
    std::string const line = holder_line();
    bool const written = ::ftruncate(descriptor, 0) == 0 &&
                         ::pwrite(descriptor, line.data(), line.size(), 0) == static_cast<ssize_t>(line.size());
    GATESWEEP_VALIDATE(written, ExitCode::io,
                       "{}: writing failed: {}: free space or repair the file system, then run again", path.string(),
                       std::strerror(errno));
}

}  // namespace

FolderLock::FolderLock(std::filesystem::path const& folder, LockMethod method) {
    auto const path = folder / file_name;
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    GATESWEEP_VALIDATE(descriptor_ >= 0, ExitCode::cannot_create,
                       "{}: cannot be created: {}: choose a folder you may write to", path.string(),
                       std::strerror(errno));
    try {
        lock_or_fail(folder, method);
        if (holder_file_.empty()) write_holder(descriptor_, path);
    } catch (...) {
        ::close(descriptor_);
        throw;
    }
}

FolderLock::~FolderLock() {
    if (!holder_file_.empty()) {
        ::unlink(holder_file_.c_str());
    } else if (::ftruncate(descriptor_, 0) != 0) {
        // The name of a holder that is gone does no harm: the lock decides.
    }
    ::close(descriptor_);
}

void FolderLock::lock_or_fail(std::filesystem::path const& folder, LockMethod method) {
    if (method == LockMethod::holder_file) return create_holder_file(folder);
    struct flock request {};
    request.l_type = F_WRLCK;
    request.l_whence = SEEK_SET;
    if (::fcntl(descriptor_, F_OFD_SETLK, &request) == 0) return;
    if (errno == EAGAIN || errno == EACCES) {
        fail(ExitCode::cannot_create,
             "{}: in use by {} (two writers would spoil the results): wait for it, or choose another folder",
             folder.string(), Holder(descriptor_).describe());
    }
    create_holder_file(folder);
}

void FolderLock::create_holder_file(std::filesystem::path const& folder) {
    auto const path = folder / holder_file_name;
    for (int attempt = 0; attempt < 3; ++attempt) {
        int const created = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (created >= 0) {
            holder_file_ = path;
            try {
                write_holder(created, path);
            } catch (...) {
                ::close(created);
                ::unlink(path.c_str());
                throw;
            }
            ::close(created);
            return;
        }
        GATESWEEP_VALIDATE(errno == EEXIST, ExitCode::cannot_create,
                           "{}: cannot be created: {}: choose a folder you may write to", path.string(),
                           std::strerror(errno));
        int const existing = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (existing < 0) continue;  // released just now
        Holder const holder(existing);
        ::close(existing);
        GATESWEEP_VALIDATE(
            holder.is_dead(), ExitCode::cannot_create,
            "{}: in use by {} (two writers would spoil the results): wait for it, or choose another folder; if it no "
            "longer runs, remove {}",
            folder.string(), holder.describe(), path.string());
        ::unlink(path.c_str());
    }
    fail(ExitCode::cannot_create,
         "{}: others keep locking it (two writers would spoil the results): choose another folder", folder.string());
}

}  // namespace gatesweep
