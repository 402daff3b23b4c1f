#include "gatesweep/base/blocked_call.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <thread>

#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

pid_t this_thread() {
    return static_cast<pid_t>(::syscall(SYS_gettid));
}

bool kernel_tells() {
    return std::ifstream("/proc/self/syscall").good();
}

// What is seen of a thread in `action` in a few looks, or in the first that sees anything; then `release` lets it go.
std::string seen_in(std::function<void()> const& action, std::function<void()> const& release, int tries = 1000) {
    std::atomic<pid_t> id = 0;
    std::thread thread([&] {
        id = this_thread();
        action();
    });
    std::string seen;
    for (int i = 0; i < tries && seen.empty(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        if (id != 0) seen = blocked_file_call(id);
    }
    release();
    thread.join();
    return seen;
}

TEST(BlockedCall, NamesTheFileThatAThreadIsStuckOn) {
    if (!kernel_tells()) GTEST_SKIP() << "this kernel does not show system calls";
    TemporaryFolder const folder;
    std::string const path = folder / "fifo";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    int const both = ::open(path.c_str(), O_RDWR);
    char byte = 0;
    EXPECT_EQ(seen_in([&] { EXPECT_EQ(::read(both, &byte, 1), 1); }, [&] { EXPECT_EQ(::write(both, "x", 1), 1); }),
              "reading " + path);
    ::close(both);
    int other = -1;
    EXPECT_EQ(
        seen_in([&] { ::close(::open(path.c_str(), O_RDONLY)); }, [&] { other = ::open(path.c_str(), O_WRONLY); }),
        "opening " + path);
    ::close(other);
}

TEST(BlockedCall, IsEmptyForAThreadThatComputesOrSleeps) {
    std::atomic<bool> go_on = true;
    EXPECT_EQ(seen_in(
                  [&] {
                      while (go_on) {
                      }
                  },
                  [&] { go_on = false; }, 20),
              "");
    EXPECT_EQ(seen_in([] { std::this_thread::sleep_for(std::chrono::milliseconds(200)); }, [] {}, 20), "");
    EXPECT_EQ(blocked_file_call(0), "");
}

}  // namespace
}  // namespace gatesweep
