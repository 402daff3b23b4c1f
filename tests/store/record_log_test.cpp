// The record log, whole and damaged. Long: each way of damage has its own case.
#include "gatesweep/store/record_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "gatesweep/base/faults.h"
#include "gatesweep/store/record_reader.h"
#include "gatesweep/store/record_writer.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

RunIdentity const identity = {"job-1", "prompts-1", "weights-1", "numerics-1"};

struct Sample {
    std::string kind, key, payload;
    bool operator==(Sample const&) const = default;
};

// Three commits: of two records, of one, of two.
std::vector<std::vector<Sample>> const sample_commits = {
    {{"signals", "b", "second"}, {"signals", "a", std::string(40, '\0')}},
    {{"reply", std::string("k\0y", 3), ""}},
    {{"signals", "c", "GSRECLOG"}, {"signals", "d", "the last one"}}};

// Returns the file's size after the header and after each commit.
std::vector<std::uint64_t> write_samples(std::filesystem::path const& path, RunIdentity const& of = identity) {
    RecordWriter writer(path, of);
    std::vector<std::uint64_t> sizes = {std::filesystem::file_size(path)};
    for (auto const& commit : sample_commits) {
        for (auto const& [kind, key, payload] : commit)
            writer.append(kind, key, payload);
        writer.commit();
        sizes.push_back(std::filesystem::file_size(path));
    }
    return sizes;
}

std::vector<Sample> samples_of(RecordLog const& log, std::string_view bytes) {
    std::vector<Sample> samples;
    for (auto const& record : log.records)
        samples.push_back({record.kind, record.key, std::string(bytes.substr(record.offset, record.size))});
    return samples;
}

std::vector<Sample> first_commits(std::size_t count) {
    std::vector<Sample> samples;
    for (std::size_t i = 0; i < count; ++i)
        samples.insert(samples.end(), sample_commits[i].begin(), sample_commits[i].end());
    return samples;
}

TEST(RecordLog, GivesBackWhatWasCommitted) {
    TemporaryFolder const scratch;
    auto const sizes = write_samples(scratch / "x.log");
    RecordLog const log = read_log(scratch / "x.log");
    EXPECT_EQ(samples_of(log, read_file(scratch / "x.log")), first_commits(3));
    EXPECT_EQ(log.identity, identity);
    EXPECT_EQ(log.num_bytes, sizes.back());
    EXPECT_EQ(log.torn_bytes, 0u);
    EXPECT_EQ(log.notice(), "");
    InputFile const file(scratch / "x.log");
    EXPECT_EQ(read_payload(file, log.records.back()), "the last one");
    EXPECT_EQ(read_payload(file, log.records[2]), "");
}

TEST(RecordLog, CutAnywhereGivesTheWholeCommitsBeforeTheCut) {
    TemporaryFolder const scratch;
    auto const sizes = write_samples(scratch / "x.log");
    std::string const bytes = read_file(scratch / "x.log");
    for (std::uint64_t cut = 0; cut <= bytes.size(); ++cut) {
        SCOPED_TRACE(cut);
        RecordLog const log = parse_log(std::string_view(bytes).substr(0, cut), "x.log");
        std::size_t num_whole = 0;
        while (num_whole < 3 && sizes[num_whole + 1] <= cut)
            ++num_whole;
        std::uint64_t const whole_bytes = cut < sizes[0] ? 0 : sizes[num_whole];
        EXPECT_EQ(samples_of(log, bytes), first_commits(num_whole));
        EXPECT_EQ(log.num_bytes, whole_bytes);
        EXPECT_EQ(log.torn_bytes, cut - whole_bytes);
        EXPECT_EQ(log.notice().empty(), cut == whole_bytes);
        if (cut == sizes[3] - 1) {
            auto const said = fmt::format("x.log: the last {} bytes, from offset {}, ", cut - whole_bytes, whole_bytes);
            EXPECT_TRUE(log.notice().starts_with(said)) << log.notice();
        }
    }
}

// One bit of a byte, all of its bits, and zero.
TEST(RecordLog, NoFlippedByteIsAccepted) {
    TemporaryFolder const scratch;
    auto const sizes = write_samples(scratch / "x.log");
    std::string const bytes = read_file(scratch / "x.log");
    int num_refused = 0, num_dropped = 0;
    for (std::uint64_t at = 0; at < bytes.size(); ++at) {
        for (int const mask : {0x01, 0x80, 0xFF, static_cast<int>(static_cast<unsigned char>(bytes[at]))}) {
            if (mask == 0) continue;
            SCOPED_TRACE(fmt::format("offset {} mask {:#x}", at, mask));
            std::string damaged = bytes;
            damaged[at] = static_cast<char>(damaged[at] ^ mask);
            try {
                RecordLog const log = parse_log(damaged, "x.log");
                EXPECT_GE(at, sizes[2]) << "only the last commit may be dropped, since nothing proves it was whole";
                EXPECT_EQ(samples_of(log, damaged), first_commits(2));
                EXPECT_EQ(log.torn_bytes, bytes.size() - sizes[2]);
                ++num_dropped;
            } catch (Error const& error) {
                EXPECT_EQ(error.code(), ExitCode::bad_data);
                EXPECT_TRUE(std::string_view(error.what()).starts_with("x.log: ")) << error.what();
                EXPECT_LT(at, sizes[2]) << error.what();
                ++num_refused;
            }
        }
    }
    EXPECT_GT(num_refused, 1000);
    EXPECT_GT(num_dropped, 500);
}

TEST(RecordLog, DamageIsNamedByOffsetAndRecord) {
    TemporaryFolder const scratch;
    auto const sizes = write_samples(scratch / "x.log");
    std::string bytes = read_file(scratch / "x.log");
    bytes[sizes[1] + 60] ^= 1;  // inside the third record
    auto const where = fmt::format("damaged at offset {}, in record 2 ", sizes[1]);
    EXPECT_ERROR(parse_log(bytes, "x.log"), ExitCode::bad_data, where, fmt::format("offset {} proves", sizes[2]));
}

TEST(RecordLog, FramesOfAnotherPlaceOrFileDoNotPass) {
    TemporaryFolder const scratch;
    auto const sizes = write_samples(scratch / "x.log");
    std::string const bytes = read_file(scratch / "x.log");
    // The second commit twice; the second commit missing; the frames of a run with another job.
    auto const second = bytes.substr(sizes[1], sizes[2] - sizes[1]);
    RecordLog const twice = parse_log(bytes.substr(0, sizes[2]) + second, "x.log");
    EXPECT_EQ(samples_of(twice, bytes), first_commits(2));
    RecordLog const missing = parse_log(bytes.substr(0, sizes[1]) + bytes.substr(sizes[2]), "x.log");
    EXPECT_EQ(samples_of(missing, bytes), first_commits(1));
    write_samples(scratch / "y.log", {"job-2", "prompts-1", "weights-1", "numerics-1"});
    std::string const other = read_file(scratch / "y.log");
    RecordLog const foreign = parse_log(bytes.substr(0, sizes[0]) + other.substr(sizes[0]), "x.log");
    EXPECT_TRUE(foreign.records.empty());
    EXPECT_EQ(foreign.torn_bytes, bytes.size() - sizes[0]);
}

TEST(RecordLog, EmptyHeaderOnlyAndZeroFilledFilesHoldNothing) {
    TemporaryFolder const scratch;
    { RecordWriter const writer(scratch / "x.log", identity); }
    RecordLog const header_only = read_log(scratch / "x.log");
    EXPECT_TRUE(header_only.records.empty());
    EXPECT_EQ(header_only.identity, identity);
    EXPECT_EQ(header_only.notice(), "");
    EXPECT_EQ(read_log(scratch.write("empty.log", "")).notice(), "");
    RecordLog const zeros = read_log(scratch.write("zeros.log", std::string(3 << 20, '\0')));
    EXPECT_EQ(zeros.torn_bytes, 3u << 20);
    // A header that holds, and behind it space that was reserved and never written.
    RecordLog const reserved = parse_log(read_file(scratch / "x.log") + std::string(5000, '\0'), "x.log");
    EXPECT_EQ(reserved.torn_bytes, 5000u);
    for (auto const* bytes : {"trial,group\n", "G5", "gsreclog"})
        EXPECT_ERROR(parse_log(bytes, "t.csv"), ExitCode::bad_data, "t.csv: not a record log");
    EXPECT_ERROR(read_log(scratch / "absent.log"), ExitCode::input_missing, "absent.log");
}

TEST(RecordLog, RefusesARunOfAnotherIdentityAndSaysWhatDiffers) {
    TemporaryFolder const scratch;
    write_samples(scratch / "x.log");
    RecordLog const log = read_log(scratch / "x.log");
    require_identity(log, identity);
    RunIdentity other = identity;
    other.weights = "weights-2";
    other.numerics = "numerics-2";
    EXPECT_ERROR(require_identity(log, other), ExitCode::bad_data, "x.log: ", "weights: was weights-1, is weights-2",
                 "numerics: was numerics-1, is numerics-2");
    for (auto const field : {&RunIdentity::job, &RunIdentity::prompts, &RunIdentity::weights, &RunIdentity::numerics}) {
        RunIdentity changed = identity;
        (changed.*field) += "x";
        EXPECT_ERROR(require_identity(log, changed), ExitCode::bad_data, "-1x");
    }
    require_identity(read_log(scratch.write("torn.log", "GSREC")), other);  // nothing in it could be wrong
}

TEST(RecordLog, AnAttemptsFileIsWrittenOnce) {
    TemporaryFolder const scratch;
    { RecordWriter const writer(scratch / "x.log", identity); }
    EXPECT_ERROR(RecordWriter(scratch / "x.log", identity), ExitCode::cannot_create, "x.log", "exists");
    auto const absent = TemporaryFolder() / "absent" / "x.log";
    EXPECT_ERROR(RecordWriter(absent, identity), ExitCode::cannot_create, absent.string());
}

TEST(RecordLog, UncommittedRecordsAreNotThere) {
    TemporaryFolder const scratch;
    RecordWriter writer(scratch / "x.log", identity);
    writer.commit();
    writer.append("signals", "a", "x");
    EXPECT_TRUE(read_log(scratch / "x.log").records.empty());
    writer.commit();
    EXPECT_EQ(read_log(scratch / "x.log").records.size(), 1u);
    EXPECT_EQ(writer.num_committed(), 1);
    EXPECT_ERROR(writer.append("signals", "", "x"), ExitCode::internal);
}

TEST(RecordLog, AfterAnErrorTheWriterIsDead) {
    for (char const* fault : {"enospc@0:x.log", "short@0:x.log", "eio@1:x.log"}) {  // write, half a write, sync
        SCOPED_TRACE(fault);
        TemporaryFolder const scratch;
        RecordWriter writer(scratch / "x.log", identity);
        writer.append("signals", "a", "first");
        writer.commit();
        writer.append("signals", "b", std::string(1000, 'x'));
        inject_fault(parse_fault_plan(fault));
        bool const recovers = std::string_view(fault).starts_with("short");
        if (recovers) {
            writer.commit();
        } else {
            EXPECT_ERROR(writer.commit(), ExitCode::io, "x.log");
        }
        clear_faults();
        if (recovers) continue;
        EXPECT_ERROR(writer.commit(), ExitCode::io, "x.log", fault[1] == 'n' ? "No space left" : "Input/output error");
        EXPECT_ERROR(writer.append("signals", "c", "x"), ExitCode::io, "x.log");
        EXPECT_GE(read_log(scratch / "x.log").records.size(), 1u);
    }
}

// Payloads beyond the reader's window, and a window edge at every part of a frame.
TEST(RecordLog, PayloadsOfAnySizeComeBack) {
    TemporaryFolder const scratch;
    RecordWriter writer(scratch / "x.log", identity);
    std::vector<std::string> payloads;
    for (std::size_t const size : {0, 1, 1 << 20, (1 << 20) - 137, (3 << 20) + 5, 1000000, 48440, 3})
        payloads.push_back(std::string(size, static_cast<char>('a' + payloads.size())));
    for (std::size_t i = 0; i < payloads.size(); ++i) {
        writer.append("p", std::to_string(i), payloads[i]);
        if (i % 2 == 1) writer.commit();
    }
    RecordLog const log = read_log(scratch / "x.log");
    ASSERT_EQ(log.records.size(), payloads.size());
    InputFile const file(scratch / "x.log");
    for (std::size_t i = 0; i < payloads.size(); ++i)
        EXPECT_TRUE(read_payload(file, log.records[i]) == payloads[i]) << i;
    std::string bytes = read_file(scratch / "x.log");
    bytes[log.records[4].offset + (2 << 20)] ^= 4;
    EXPECT_ERROR(parse_log(bytes, "x.log"), ExitCode::bad_data, "in record 4 ");
    write_file_atomically(scratch / "x.log", bytes);
    EXPECT_ERROR(read_payload(InputFile(scratch / "x.log"), log.records[4]), ExitCode::bad_data, "changed since");
}

TEST(RecordLog, ReadersBesideTheWriterSeeAPrefix) {
    TemporaryFolder const scratch;
    constexpr std::size_t num_commits = 200;
    RecordWriter writer(scratch / "x.log", identity);
    std::atomic<bool> done = false;
    std::atomic<std::size_t> num_reads = 0;
    auto const reader = [&] {
        std::size_t seen = 0;
        do {
            RecordLog const log = read_log(scratch / "x.log");
            ASSERT_GE(log.records.size(), seen);
            ASSERT_EQ(log.records.size() % 3, 0u);  // whole commits only
            seen = log.records.size();
            for (std::size_t i = 0; i < seen; ++i)
                ASSERT_EQ(log.records[i].key, std::to_string(i));
            ++num_reads;
        } while (!done);
        EXPECT_EQ(read_log(scratch / "x.log").records.size(), 3 * num_commits);
    };
    std::thread first(reader), second(reader);
    for (std::size_t i = 0; i < 3 * num_commits; ++i) {
        writer.append("signals", std::to_string(i), std::string(i, 'x'));
        if (i % 3 == 2) writer.commit();
    }
    done = true;
    first.join();
    second.join();
    EXPECT_GE(num_reads, 2u);
}

TEST(LogName, IsReadBackAndNothingElseIs) {
    LogName const name = {"sweep-replies", 12, 3};
    EXPECT_EQ(name.file_name(), "sweep-replies-a0012-r0003.log");
    auto const back = parse_log_name(name.file_name());
    ASSERT_TRUE(back);
    EXPECT_EQ(std::tie(back->kind, back->attempt, back->rank), std::tie(name.kind, name.attempt, name.rank));
    EXPECT_EQ(parse_log_name(LogName{"s", 12345, 0}.file_name())->attempt, 12345);
    for (char const* other : {"", ".log", "s.log", "-a0001-r0001.log", "s-a1-r0001.log", "s-a0001-r0001.log.tmp7",
                              "s-a00001-r0001.log", "s-a-001-r0001.log", "s-r0001-a0001.log", "s-a0001.log"})
        EXPECT_FALSE(parse_log_name(other)) << other;
}

TEST(LogName, LogsAreListedByAttemptAndRank) {
    TemporaryFolder const scratch;
    EXPECT_TRUE(list_logs(scratch / "absent", "s").empty());
    EXPECT_EQ(next_attempt(scratch / "absent"), 0);
    EXPECT_EQ(next_attempt(scratch.path()), 0);
    for (char const* name :
         {"s-a10000-r0000.log", "s-a0009-r0001.log", "s-a0009-r0000.log", "t-a10001-r0000.log", "notes"})
        scratch.write(name, "");
    std::vector<std::string> names;
    for (auto const& path : list_logs(scratch.path(), "s"))
        names.push_back(path.filename().string());
    EXPECT_EQ(names, (std::vector<std::string>{"s-a0009-r0000.log", "s-a0009-r0001.log", "s-a10000-r0000.log"}));
    EXPECT_EQ(next_attempt(scratch.path()), 10002);
}

}  // namespace
}  // namespace gatesweep
