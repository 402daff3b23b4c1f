#include "gatesweep/store/folder_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include "gatesweep/base/error.h"
#include "gatesweep/base/host_name.h"
#include "gatesweep/base/system_call.h"
#include "gatesweep/store/manifest.h"

namespace gatesweep {
namespace {

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

    Holder(int descriptor, std::filesystem::path const& path) {
        std::array<char, 512> text;
        ssize_t const count = system_call::read_at(descriptor, path, 0, std::as_writable_bytes(std::span(text)));
        std::istringstream fields(std::string(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0));
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
    bool written = system_call::truncate(descriptor, path, 0) == 0;
    for (std::string_view rest = line; written && !rest.empty();) {
        ssize_t const count = system_call::write(descriptor, path, rest);
        written = count > 0;
        if (written) rest.remove_prefix(static_cast<std::size_t>(count));
    }
    GATESWEEP_VALIDATE(written, ExitCode::io,
                       "{}: writing failed: {}: free space or repair the file system, then run again", path.string(),
                       std::strerror(errno));
}

}  // namespace

FolderLock::FolderLock(std::filesystem::path const& folder, LockMethod method) : path_(folder / file_name) {
    descriptor_ = system_call::open(path_, O_RDWR | O_CREAT | O_APPEND);
    GATESWEEP_VALIDATE(descriptor_ >= 0, ExitCode::cannot_create,
                       "{}: cannot be created: {}: choose a folder you may write to", path_.string(),
                       std::strerror(errno));
    try {
        lock_or_fail(folder, method);
        if (holder_file_.empty()) write_holder(descriptor_, path_);
    } catch (...) {
        system_call::close(descriptor_, path_);
        throw;
    }
}

FolderLock::~FolderLock() {
    if (!holder_file_.empty()) {
        system_call::unlink(holder_file_);
    } else if (system_call::truncate(descriptor_, path_, 0) != 0) {
        // The name of a holder that is gone does no harm: the lock decides.
    }
    system_call::close(descriptor_, path_);
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
             folder.string(), Holder(descriptor_, path_).describe());
    }
    create_holder_file(folder);
}

void FolderLock::create_holder_file(std::filesystem::path const& folder) {
    auto const path = folder / holder_file_name;
    // Written under another name and then given this one, so that it never stands there without its holder.
    std::filesystem::path const temporary = path.string() + fmt::format(".tmp{}", ::getpid());
    for (int attempt = 0; attempt < 3; ++attempt) {
        int const created = system_call::open(temporary, O_WRONLY | O_CREAT | O_TRUNC);
        GATESWEEP_VALIDATE(created >= 0, ExitCode::cannot_create,
                           "{}: cannot be created: {}: choose a folder you may write to", path.string(),
                           std::strerror(errno));
        try {
            write_holder(created, temporary);
        } catch (...) {
            system_call::close(created, temporary);
            system_call::unlink(temporary);
            throw;
        }
        system_call::close(created, temporary);
        bool const named = system_call::link(temporary, path) == 0;
        int const error = errno;
        system_call::unlink(temporary);
        if (named) {
            holder_file_ = path;
            return;
        }
        if (error == ENOENT) continue;  // a holder that tidied up took the other name away
        GATESWEEP_VALIDATE(error == EEXIST, ExitCode::cannot_create,
                           "{}: cannot be created: {}: choose a folder you may write to", path.string(),
                           std::strerror(error));
        int const existing = system_call::open(path, O_RDONLY);
        if (existing < 0) continue;  // released just now
        Holder const holder(existing, path);
        system_call::close(existing, path);
        GATESWEEP_VALIDATE(
            holder.is_dead(), ExitCode::cannot_create,
            "{}: in use by {} (two writers would spoil the results): wait for it, or choose another folder; if it no "
            "longer runs, remove {}",
            folder.string(), holder.describe(), path.string());
        system_call::unlink(path);
    }
    fail(ExitCode::cannot_create,
         "{}: others keep locking it (two writers would spoil the results): choose another folder", folder.string());
}

}  // namespace gatesweep
