// A small run folder is written with every fault at every one of its file operations. Each time the outcome is a right
// folder or an error with path and reason, COMPLETE never stands over missing or other files, and writing it again over
// what is left gives the bytes of an undisturbed run.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/faults.h"
#include "gatesweep/store/record_merge.h"
#include "gatesweep/store/record_writer.h"
#include "gatesweep/store/run_directory.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

RunIdentity const identity = {"job", "prompts", "weights", "numerics"};

std::int64_t work(std::int64_t prompt) {
    return 100 + prompt * prompt;
}

// A run in small: work is committed to a log in two batches, what earlier attempts did is taken over, and the final
// files are written from the merged log.
void run_once(fs::path const& folder) {
    constexpr std::int64_t num_prompts = 4;
    RunDirectory run(folder);
    auto const logs = folder / "log";
    create_folder(logs);
    MergedRecords const done = merge_logs(list_logs(logs, "work"), identity);
    {
        RecordWriter writer(logs / LogName{"work", next_attempt(logs), 0}.file_name(), identity);
        for (std::int64_t prompt = 0; prompt < num_prompts; ++prompt) {
            auto const key = fmt::format("{:02}", prompt);
            if (done.find("work", key) == nullptr) writer.append("work", key, std::to_string(work(prompt)));
            if (prompt % 2 == 1) writer.commit();
        }
    }
    MergedRecords const all = merge_logs(list_logs(logs, "work"), identity);
    NdArray<std::int64_t> array({num_prompts}, 0);
    CsvTable table;
    table.header = {"prompt", "work"};
    for (std::size_t i = 0; i < all.records().size(); ++i) {
        array.values.at(i) = std::stoll(all.payload(all.records()[i]));
        table.add(all.records()[i].record.key, array.values[i]);
    }
    run.write_table("work", table);
    run.write_array("work", array);
    run.write_text("job.toml", "[model]\n");
    run.complete({});
}

// Without the seam: what a plain program sees in the folder, log and lock aside.
std::map<std::string, std::string> results_in(fs::path const& folder) {
    std::map<std::string, std::string> files;
    if (!fs::exists(folder)) return files;
    for (auto const& entry : fs::recursive_directory_iterator(folder)) {
        auto const name = fs::relative(entry.path(), folder).string();
        if (!entry.is_regular_file() || name.starts_with("log/") || name == FolderLock::file_name) continue;
        std::ifstream in(entry.path(), std::ios::binary);
        files[name] = std::string(std::istreambuf_iterator(in), {});
    }
    return files;
}

struct Outcome {
    bool killed = false;
    int code = 0;
    std::string message;
};

Outcome run_with_fault(fs::path const& folder, FaultPlan const& plan) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    pid_t const child = ::fork();
    if (child == 0) {
        inject_fault(plan);
        std::string message;
        int code = 0;
        try {
            run_once(folder);
        } catch (Error const& error) {
            code = static_cast<int>(error.code());
            message = error.what();
        } catch (std::exception const& error) {
            code = 1;
            message = error.what();
        }
        ::_exit(::write(ends[1], message.data(), message.size()) < 0 ? 2 : code);
    }
    ::close(ends[1]);
    Outcome outcome;
    char buffer[4096];
    for (ssize_t count; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        outcome.message.append(buffer, static_cast<std::size_t>(count));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    outcome.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
}

bool fails_with_errno(Fault fault) {
    return fault == Fault::eio || fault == Fault::enospc || fault == Fault::erofs;
}
bool crashes(Fault fault) {
    return fault == Fault::crash_before || fault == Fault::crash_half || fault == Fault::crash_after;
}

// Whether an error there must end the run: everywhere but where a file that was only read, or is on disk already, is
// closed, and where the lock forgets its holder.
bool must_be_noticed(FileOperation const& operation) {
    bool const is_being_written = operation.path.string().find(".tmp") != std::string::npos;
    return (operation.call != FileCall::close && operation.call != FileCall::truncate) || is_being_written;
}

class EveryOperation : public testing::TestWithParam<std::tuple<Fault, bool>> {};

TEST_P(EveryOperation, EndsRightOrWithAnErrorAndCanBeRunAgain) {
    auto const [fault, persists] = GetParam();
    TemporaryFolder const scratch;
    record_file_operations();
    run_once(scratch / "reference");
    auto const operations = clear_faults();
    auto const reference = results_in(scratch / "reference");
    ASSERT_EQ(reference.size(), 5u);
    ASSERT_GT(operations.size(), 80u);
    int num_errors = 0, num_right = 0, num_kills = 0;
    for (std::size_t at = 0; at < operations.size(); ++at) {
        SCOPED_TRACE(fmt::format("{} at operation {}: {} {}", to_string(fault), at, to_string(operations[at].call),
                                 operations[at].path.string()));
        auto const folder = scratch / "run";
        fs::remove_all(folder);
        Outcome const outcome = run_with_fault(folder, {fault, static_cast<std::int64_t>(at), persists, ""});
        auto const left = results_in(folder);
        if (outcome.killed) {
            ++num_kills;
            EXPECT_TRUE(crashes(fault));
        } else if (outcome.code == 0) {
            ++num_right;
            EXPECT_EQ(left, reference) << "ended as if all was well";
            EXPECT_FALSE(fails_with_errno(fault) && must_be_noticed(operations[at])) << "went unnoticed";
        } else {
            ++num_errors;
            EXPECT_TRUE(fails_with_errno(fault)) << outcome.message;
            EXPECT_TRUE(outcome.code == static_cast<int>(ExitCode::io) ||
                        outcome.code == static_cast<int>(ExitCode::cannot_create))
                << outcome.code << ' ' << outcome.message;
            int const error = fault == Fault::eio ? EIO : fault == Fault::enospc ? ENOSPC : EROFS;
            EXPECT_NE(outcome.message.find(std::strerror(error)), std::string::npos) << outcome.message;
            EXPECT_NE(outcome.message.find(folder.string()), std::string::npos) << outcome.message;
        }
        if (left.contains("COMPLETE")) {
            EXPECT_EQ(left, reference) << "COMPLETE stands over other files";
        }
        run_once(folder);
        EXPECT_EQ(results_in(folder), reference) << "the second run differs";
    }
    fmt::print("{} operations: {} right, {} errors, {} kills\n", operations.size(), num_right, num_errors, num_kills);
    if (crashes(fault)) {
        EXPECT_EQ(num_kills, static_cast<int>(operations.size()));
    } else if (fails_with_errno(fault)) {
        EXPECT_GT(num_errors, num_right);
    } else {
        EXPECT_EQ(num_right, static_cast<int>(operations.size()));
    }
}

INSTANTIATE_TEST_SUITE_P(Faults, EveryOperation,
                         testing::Combine(testing::ValuesIn(all_faults()), testing::Values(false)),
                         [](auto const& instance) { return std::string(to_string(std::get<0>(instance.param))); });
INSTANTIATE_TEST_SUITE_P(PersistentFaults, EveryOperation,
                         testing::Combine(testing::Values(Fault::eio, Fault::enospc, Fault::erofs),
                                          testing::Values(true)),
                         [](auto const& instance) { return std::string(to_string(std::get<0>(instance.param))); });

// A finished folder that is begun again: COMPLETE must be gone from the disk before anything under it changes.
TEST(BegunAgain, CompleteNeverStandsOverOtherFiles) {
    TemporaryFolder const scratch;
    auto const folder = scratch / "run";
    auto const begin_again = [&] {
        RunDirectory run(folder);
        CsvTable table;
        table.header = {"other"};
        run.write_table("work", table);
        run.complete({});
    };
    run_once(folder);
    record_file_operations();
    begin_again();
    auto const num_operations = static_cast<std::int64_t>(clear_faults().size());
    for (std::int64_t at = 0; at < num_operations; ++at) {
        for (Fault const fault : {Fault::eio, Fault::crash_before, Fault::crash_half, Fault::crash_after}) {
            SCOPED_TRACE(fmt::format("{} at operation {}", to_string(fault), at));
            run_once(folder);
            pid_t const child = ::fork();
            if (child == 0) {
                inject_fault({fault, at, false, ""});
                try {
                    begin_again();
                } catch (Error const&) {
                }
                ::_exit(0);
            }
            ::waitpid(child, nullptr, 0);
            auto const left = results_in(folder);
            if (!left.contains("COMPLETE")) continue;
            EXPECT_EQ(left.at("COMPLETE"), sha256_hex(left.at("manifest.json")) + "\n");
            EXPECT_TRUE(changed_files(folder, read_manifest(folder)).empty());
        }
    }
}

}  // namespace
}  // namespace gatesweep
