#include "gatesweep/base/system_call.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "fault_point.h"

namespace gatesweep::system_call {
namespace {

enum class Amount { all, half };

int error_of(Fault fault) {
    switch (fault) {
        case Fault::eio:
            return EIO;
        case Fault::enospc:
            return ENOSPC;
        case Fault::erofs:
            return EROFS;
        case Fault::eintr:
            return EINTR;
        default:
            return 0;
    }
}

// action(Amount) is the call itself.
template <class Action>
auto with_fault(Fault fault, FileCall call, Action const& action) -> decltype(action(Amount::all)) {
    bool const transfers = call == FileCall::read || call == FileCall::write;
    if (fault == Fault::crash_before) crash();
    if (fault == Fault::crash_half) {
        if (call == FileCall::write) action(Amount::half);
        crash();
    }
    if (int const error = error_of(fault)) {
        if (call == FileCall::close) action(Amount::all);  // a close that fails closes all the same
        errno = error;
        return -1;
    }
    auto const result = action(fault == Fault::short_transfer && transfers ? Amount::half : Amount::all);
    if (fault == Fault::crash_after) crash();
    return result;
}

template <class Action>
auto call(FileCall kind, Path const& path, Action const& action) -> decltype(action(Amount::all)) {
    while (true) {
        auto result = decltype(action(Amount::all)){-1};
        std::optional<Fault> fault;
        if (fault_state.load(std::memory_order_relaxed) != FaultState::off) [[unlikely]]
            fault = next_fault(kind, path);
        result = fault ? with_fault(*fault, kind, action) : action(Amount::all);
        if (result >= 0 || errno != EINTR || kind == FileCall::close) return result;
    }
}

std::size_t part(std::size_t size, Amount amount) {
    return amount == Amount::all ? size : (size + 1) / 2;
}

}  // namespace

int open(Path const& path, int flags, mode_t mode) {
    return call(FileCall::open, path, [&](Amount) { return ::open(path.c_str(), flags | O_CLOEXEC, mode); });
}

ssize_t read_at(int descriptor, Path const& path, std::uint64_t offset, std::span<std::byte> out) {
    return call(FileCall::read, path, [&](Amount amount) {
        return ::pread(descriptor, out.data(), part(out.size(), amount), static_cast<off_t>(offset));
    });
}

ssize_t write(int descriptor, Path const& path, std::string_view bytes) {
    return call(FileCall::write, path,
                [&](Amount amount) { return ::write(descriptor, bytes.data(), part(bytes.size(), amount)); });
}

int truncate(int descriptor, Path const& path, std::uint64_t size) {
    return call(FileCall::truncate, path, [&](Amount) { return ::ftruncate(descriptor, static_cast<off_t>(size)); });
}

int sync(int descriptor, Path const& path) {
    return call(FileCall::sync, path, [&](Amount) { return ::fsync(descriptor); });
}

int sync_data(int descriptor, Path const& path) {
    return call(FileCall::sync, path, [&](Amount) { return ::fdatasync(descriptor); });
}

int close(int descriptor, Path const& path) {
    int const result = call(FileCall::close, path, [&](Amount) { return ::close(descriptor); });
    return result != 0 && errno == EINTR ? 0 : result;
}

int stat(Path const& path, struct stat& status) {
    return call(FileCall::stat, path, [&](Amount) { return ::stat(path.c_str(), &status); });
}

int stat(int descriptor, Path const& path, struct stat& status) {
    return call(FileCall::stat, path, [&](Amount) { return ::fstat(descriptor, &status); });
}

int rename(Path const& from, Path const& to) {
    return call(FileCall::rename, to, [&](Amount) { return std::rename(from.c_str(), to.c_str()); });
}

int link(Path const& existing, Path const& name) {
    return call(FileCall::link, name, [&](Amount) { return ::link(existing.c_str(), name.c_str()); });
}

int unlink(Path const& path) {
    return call(FileCall::unlink, path, [&](Amount) { return ::unlink(path.c_str()); });
}

int make_folder(Path const& path) {
    return call(FileCall::make_folder, path, [&](Amount) { return ::mkdir(path.c_str(), 0777); });
}

int list(Path const& folder, std::vector<Path>& entries) {
    return call(FileCall::list, folder, [&](Amount) {
        std::error_code error;
        entries.clear();
        for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
            entries.push_back(it->path());
        std::sort(entries.begin(), entries.end());
        errno = error.value();
        return error ? -1 : 0;
    });
}

}  // namespace gatesweep::system_call
