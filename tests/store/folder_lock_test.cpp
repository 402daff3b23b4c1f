#include "gatesweep/store/folder_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "gatesweep/base/faults.h"
#include "gatesweep/base/file.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

class FolderLockOfEitherMethod : public testing::TestWithParam<LockMethod> {
protected:
    // Another process that takes the lock and says so; it lives until killed.
    pid_t start_holder() {
        int pipe_ends[2];
        if (::pipe(pipe_ends) != 0) return -1;
        pid_t const child = ::fork();
        if (child == 0) {
            try {
                FolderLock const lock(scratch_.path(), GetParam());
                if (::write(pipe_ends[1], "1", 1) == 1) ::pause();
            } catch (...) {
            }
            ::_exit(1);
        }
        ::close(pipe_ends[1]);
        char byte = 0;
        EXPECT_EQ(::read(pipe_ends[0], &byte, 1), 1);
        ::close(pipe_ends[0]);
        return child;
    }
    void kill_holder(pid_t child) {
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
    }
    TemporaryFolder scratch_;
};

INSTANTIATE_TEST_SUITE_P(Methods, FolderLockOfEitherMethod,
                         testing::Values(LockMethod::automatic, LockMethod::holder_file));

TEST_P(FolderLockOfEitherMethod, KeepsASecondOneOutAndNamesTheHolder) {
    pid_t const child = start_holder();
    EXPECT_ERROR(FolderLock const lock(scratch_.path(), GetParam()), ExitCode::cannot_create,
                 "in use by process " + std::to_string(child) + " on ", scratch_.path().string());
    kill_holder(child);
}

TEST_P(FolderLockOfEitherMethod, TakesOverFromAKilledHolder) {
    for (int round = 0; round < 5; ++round) {
        kill_holder(start_holder());
        FolderLock const lock(scratch_.path(), GetParam());
        EXPECT_ERROR(FolderLock const second(scratch_.path(), GetParam()), ExitCode::cannot_create, "in use");
    }
}

TEST_P(FolderLockOfEitherMethod, IsFreeAgainAfterwards) {
    { FolderLock const lock(scratch_.path(), GetParam()); }
    { FolderLock const lock(scratch_.path(), GetParam()); }
    EXPECT_TRUE(std::filesystem::exists(scratch_.path() / FolderLock::file_name));
    EXPECT_EQ(std::filesystem::file_size(scratch_.path() / FolderLock::file_name), 0u);
    EXPECT_FALSE(std::filesystem::exists(scratch_.path() / FolderLock::holder_file_name));
}

TEST_P(FolderLockOfEitherMethod, OneOfManyWins) {
    constexpr int num_rounds = 20, num_rivals = 6;
    for (int round = 0; round < num_rounds; ++round) {
        int results[2], go[2];
        ASSERT_EQ(::pipe(results), 0);
        ASSERT_EQ(::pipe(go), 0);
        for (int i = 0; i < num_rivals; ++i) {
            if (::fork() == 0) {
                ::close(go[1]);
                char byte;
                while (::read(go[0], &byte, 1) > 0) {  // all start when the parent closes its end
                }
                std::unique_ptr<FolderLock> lock;
                char result = 'l';
                try {
                    lock = std::make_unique<FolderLock>(scratch_.path(), GetParam());
                    result = 'w';
                } catch (Error const& error) {
                    if (error.code() != ExitCode::cannot_create) result = 'e';
                }
                if (::write(results[1], &result, 1) != 1) ::_exit(1);
                ::usleep(100000);
                lock.reset();
                ::_exit(0);
            }
        }
        ::close(go[0]);
        ::close(results[1]);
        ::close(go[1]);
        std::string seen;
        char byte;
        while (::read(results[0], &byte, 1) == 1)
            seen += byte;
        ::close(results[0]);
        while (::wait(nullptr) > 0) {
        }
        EXPECT_EQ(std::count(seen.begin(), seen.end(), 'w'), 1) << seen;
        EXPECT_EQ(std::count(seen.begin(), seen.end(), 'l'), num_rivals - 1) << seen;
    }
}

// Wherever taking or leaving the lock is cut off, the next one gets it without help.
TEST_P(FolderLockOfEitherMethod, IsTakenOverFromAHolderKilledAtAnyOperation) {
    record_file_operations();
    { FolderLock const lock(scratch_.path(), GetParam()); }
    auto const num_operations = static_cast<std::int64_t>(clear_faults().size());
    ASSERT_GE(num_operations, 4);
    for (Fault const fault : {Fault::crash_before, Fault::crash_half, Fault::crash_after}) {
        for (std::int64_t at = 0; at < num_operations; ++at) {
            SCOPED_TRACE(fmt::format("{} at {}", to_string(fault), at));
            pid_t const child = ::fork();
            if (child == 0) {
                inject_fault({fault, at, false, ""});
                { FolderLock const lock(scratch_.path(), GetParam()); }
                ::_exit(0);
            }
            int status = 0;
            ::waitpid(child, &status, 0);
            EXPECT_TRUE(WIFSIGNALED(status));
            EXPECT_NO_THROW(FolderLock(scratch_.path(), GetParam()));
        }
    }
}

TEST(FolderLockHolderFile, IsNotTakenFromAnotherHost) {
    TemporaryFolder const scratch;
    write_file_atomically(scratch.path() / FolderLock::holder_file_name, "far-away 17 1 2026-11-03T09:30:00Z 4711\n");
    EXPECT_ERROR(FolderLock const lock(scratch.path(), LockMethod::holder_file), ExitCode::cannot_create,
                 "process 17 on far-away (Slurm job 4711)", "remove ");
}

TEST(FolderLockHolderFile, AProcessOfTheSameIdButAnotherStartIsNotTheHolder) {
    TemporaryFolder const scratch;
    char host[256] = {};
    ASSERT_EQ(::gethostname(host, sizeof host - 1), 0);
    write_file_atomically(scratch.path() / FolderLock::holder_file_name,
                          fmt::format("{} {} 1 then\n", host, ::getpid()));
    FolderLock const lock(scratch.path(), LockMethod::holder_file);
}

TEST(FolderLock, NeedsAFolder) {
    auto const absent = TemporaryFolder() / "absent" / "folder";
    EXPECT_ERROR(FolderLock const lock(absent), ExitCode::cannot_create, absent.string());
}

}  // namespace
}  // namespace gatesweep
