#include "gatesweep/base/blocked_call.h"

#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

struct SystemCall {
    long number = -1;
    unsigned long first = 0, second = 0;  // arguments
};

// "0 0x3 0x7f8d36196000 ..."; "running" while the thread is not in the kernel.
SystemCall system_call_of(pid_t thread) {
    std::ifstream file(fmt::format("/proc/self/task/{}/syscall", thread));
    SystemCall call;
    if (!(file >> call.number >> std::hex >> call.first >> call.second)) call.number = -1;
    return call;
}

char const* verb_on_descriptor(long number) {
    switch (number) {
        case SYS_read:
        case SYS_pread64:
        case SYS_readv:
        case SYS_preadv:
            return "reading";
        case SYS_write:
        case SYS_pwrite64:
        case SYS_writev:
            return "writing";
        case SYS_fsync:
        case SYS_fdatasync:
            return "syncing";
        case SYS_ftruncate:
            return "cutting";
        case SYS_close:
            return "closing";
        case SYS_fcntl:
            return "locking";
        default:
            return nullptr;
    }
}

// A text of this process that may be gone by now: copied by the kernel, which refuses where we would crash.
std::string text_at(unsigned long address) {
    std::array<char, 256> text{};
    std::size_t const page_left = 4096 - address % 4096;
    iovec const local{text.data(), std::min(text.size() - 1, page_left)};
    iovec const remote{reinterpret_cast<void*>(address), local.iov_len};
    return ::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0) > 0 ? text.data() : "";
}

}  // namespace

std::string blocked_file_call(pid_t thread) {
    SystemCall const call = system_call_of(thread);
    if (call.number == SYS_openat) {
        std::string const path = text_at(call.second);
        return path.empty() ? "" : "opening " + printable(path, 200);
    }
    char const* const verb = verb_on_descriptor(call.number);
    if (!verb) return "";
    std::array<char, 512> target{};
    std::string const link = fmt::format("/proc/self/fd/{}", static_cast<int>(call.first));
    if (::readlink(link.c_str(), target.data(), target.size() - 1) <= 0 || target[0] != '/')
        return "";  // a pipe or socket
    return fmt::format("{} {}", verb, printable(target.data(), 200));
}

}  // namespace gatesweep
