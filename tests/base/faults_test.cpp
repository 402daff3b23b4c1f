#include "gatesweep/base/faults.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "gatesweep/base/file.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

class Faults : public testing::Test {
protected:
    void TearDown() override { clear_faults(); }
    TemporaryFolder scratch_;
};

// Runs `action` in a child; returns its exit status as waitpid reports it.
int status_of(std::function<void()> const& action) {
    pid_t const child = ::fork();
    if (child == 0) {
        action();
        ::_exit(0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
}

TEST_F(Faults, PlansAreReadStrictly) {
    FaultPlan const plan = parse_fault_plan("enospc@17+:tables/layers.csv");
    EXPECT_EQ(plan.fault, Fault::enospc);
    EXPECT_EQ(plan.at, 17);
    EXPECT_TRUE(plan.persists);
    EXPECT_EQ(plan.path_part, "tables/layers.csv");
    for (Fault const fault : all_faults()) {
        FaultPlan const read = parse_fault_plan(fmt::format("{}@0", to_string(fault)));
        EXPECT_EQ(read.fault, fault);
        EXPECT_FALSE(read.persists);
        EXPECT_EQ(read.path_part, "");
    }
    for (char const* text :
         {"", "eio", "eio@", "eio@-1", "eio@x", "@3", "EIO@3", "eio@3x", "eio@3 +", "eio@9999999999999999999"})
        EXPECT_ERROR(parse_fault_plan(text), ExitCode::usage, "FAULT@N");
}

TEST_F(Faults, OperationsAreRecordedInOrder) {
    record_file_operations();
    write_file_atomically(scratch_ / "x", "text");
    std::string calls;
    for (auto const& operation : clear_faults()) {
        EXPECT_TRUE(operation.path.string().starts_with((scratch_ / "x").string())) << operation.path;
        calls += std::string(to_string(operation.call)) + " ";
    }
    EXPECT_EQ(calls, "open write sync close rename ");
    write_file_atomically(scratch_ / "x", "text");
    EXPECT_TRUE(clear_faults().empty());
}

TEST_F(Faults, TheNthMatchingOperationFailsAndNoOther) {
    inject_fault(parse_fault_plan("eio@1:b.txt"));  // the write of b
    write_file_atomically(scratch_ / "a.txt", "a");
    EXPECT_ERROR(write_file_atomically(scratch_ / "b.txt", "b"), ExitCode::io, "b.txt", "Input/output error");
    EXPECT_TRUE(list_folder(scratch_.path()) == std::vector{scratch_ / "a.txt"}) << "the half-made file is left";
    write_file_atomically(scratch_ / "b.txt", "b");
    EXPECT_EQ(read_file(scratch_ / "b.txt"), "b");
}

TEST_F(Faults, APersistentFaultStays) {
    inject_fault(parse_fault_plan("enospc@0+:.txt"));
    for (int i = 0; i < 3; ++i)
        EXPECT_ERROR(write_file_atomically(scratch_ / "b.txt", "b"), ExitCode::cannot_create,
                     "No space left on device");
}

TEST_F(Faults, InterruptionsAndShortTransfersAreCarriedThrough) {
    std::string const text(1000, 'x');
    record_file_operations();
    write_file_atomically(scratch_ / "x", text);
    EXPECT_EQ(read_file(scratch_ / "x"), text);
    auto const num_operations = static_cast<std::int64_t>(clear_faults().size());
    for (Fault const fault : {Fault::eintr, Fault::short_transfer}) {
        for (std::int64_t at = 0; at < num_operations; ++at) {
            remove_file(scratch_ / "x");
            inject_fault({fault, at, false, ""});
            write_file_atomically(scratch_ / "x", text);
            EXPECT_EQ(read_file(scratch_ / "x"), text) << to_string(fault) << " at " << at;
        }
    }
    inject_fault(parse_fault_plan("short@0+"));  // ever halves: 500, 250, ... 1
    write_file_atomically(scratch_ / "y", text);
    EXPECT_EQ(read_file(scratch_ / "y"), text);
}

TEST_F(Faults, CrashesLeaveNothingHalfAndAllOfTheCall) {
    for (auto const& [fault, left] : {std::pair{"crash_before", 0u}, {"crash_half", 5u}, {"crash_after", 10u}}) {
        auto const path = scratch_ / fault;
        int const status = status_of([&, name = fault] {
            OutputFile out(path, OutputFile::Existing::refuse);
            inject_fault(parse_fault_plan(fmt::format("{}@0", name)));
            out.append("0123456789");
        });
        EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << fault;
        EXPECT_EQ(std::filesystem::file_size(path), left) << fault;
    }
}

// A fresh process reads the environment at its first operation, so these start the test binary again.
int run_child(std::string const& faults) {
    return status_of([&] {
        ::setenv("GATESWEEP_FAULTS", faults.c_str(), 1);
        int const nowhere = ::open("/dev/null", O_WRONLY);
        ::dup2(nowhere, 1);
        ::execl("/proc/self/exe", "faults_test", "--gtest_also_run_disabled_tests",
                "--gtest_filter=FaultsChild.DISABLED_Writes", static_cast<char*>(nullptr));
        ::_exit(1);
    });
}

TEST_F(Faults, TheEnvironmentSetsAPlan) {
    ::setenv("GATESWEEP_TEST_FILE", (scratch_ / "x").c_str(), 1);
    EXPECT_EQ(run_child(""), 0);
    EXPECT_EQ(read_file(scratch_ / "x"), "text");
    EXPECT_EQ(WEXITSTATUS(run_child("eio@1")), static_cast<int>(ExitCode::io));
    EXPECT_EQ(WEXITSTATUS(run_child("nonsense")), static_cast<int>(ExitCode::usage));
    int const status = run_child("crash_before@2");
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    EXPECT_EQ(run_child("trace:" + (scratch_ / "trace").string()), 0);
    std::string trace;
    for (auto const& entry : list_folder(scratch_.path())) {
        if (entry.filename().string().starts_with("trace.")) trace = read_file(entry);
    }
    EXPECT_TRUE(trace.starts_with("open " + (scratch_ / "x").string() + ".tmp")) << trace;
    EXPECT_EQ(std::count(trace.begin(), trace.end(), '\n'), 5) << trace;
}

TEST(FaultsChild, DISABLED_Writes) {
    char const* const path = std::getenv("GATESWEEP_TEST_FILE");
    if (path == nullptr) GTEST_SKIP();
    try {
        write_file_atomically(path, "text");
    } catch (Error const& error) {
        ::_exit(static_cast<int>(error.code()));
    }
    ::_exit(0);
}

}  // namespace
}  // namespace gatesweep
