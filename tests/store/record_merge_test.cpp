#include "gatesweep/store/record_merge.h"

#include <gtest/gtest.h>

#include <thread>

#include "gatesweep/store/record_writer.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

RunIdentity const identity = {"j", "p", "w", "n"};

using Entry = std::pair<std::string, std::string>;  // key, payload

std::filesystem::path write_log(std::filesystem::path const& path, std::vector<Entry> const& entries) {
    RecordWriter writer(path, identity);
    for (auto const& [key, payload] : entries)
        writer.append("signals", key, payload);
    writer.commit();
    return path;
}

std::vector<Entry> entries_of(MergedRecords const& merged) {
    std::vector<Entry> entries;
    for (auto const& record : merged.records())
        entries.emplace_back(record.record.key, merged.payload(record));
    return entries;
}

TEST(RecordMerge, IsSortedAndCountsIdenticalCopiesOnce) {
    TemporaryFolder const scratch;
    auto const a = write_log(scratch / "a.log", {{"p2", "two"}, {"p1", "one"}, {"p2", "two"}});
    auto const b = write_log(scratch / "b.log", {{"p3", "three"}, {"p1", "one"}, {"p0", ""}});
    std::vector<Entry> const expected = {{"p0", ""}, {"p1", "one"}, {"p2", "two"}, {"p3", "three"}};
    for (auto const& order : {std::vector{a, b}, std::vector{b, a}}) {
        MergedRecords const merged = merge_logs(order, identity);
        EXPECT_EQ(entries_of(merged), expected);
        EXPECT_EQ(merged.num_duplicates(), 2u);
        EXPECT_TRUE(merged.notices().empty());
        ASSERT_NE(merged.find("signals", "p2"), nullptr);
        EXPECT_EQ(merged.payload(*merged.find("signals", "p2")), "two");
        EXPECT_EQ(merged.find("signals", "p9"), nullptr);
        EXPECT_EQ(merged.find("replies", "p2"), nullptr);
    }
    EXPECT_TRUE(merge_logs({}, identity).records().empty());
}

TEST(RecordMerge, TwoDifferingCopiesFailLoudly) {
    TemporaryFolder const scratch;
    auto const a = write_log(scratch / "a.log", {{"p1", "one"}, {"p2", "two"}});
    auto const b = write_log(scratch / "b.log", {{"p2", "tw0"}});
    EXPECT_ERROR(merge_logs({a, b}, identity), ExitCode::internal, "signals p2: ", a.string(), b.string(), "different");
    auto const c = write_log(scratch / "c.log", {{"p1", "one"}, {"p1", "one "}});
    EXPECT_ERROR(merge_logs({c}, identity), ExitCode::internal, "p1", c.string());
}

TEST(RecordMerge, TheSameKeyOfAnotherKindIsAnotherRecord) {
    TemporaryFolder const scratch;
    RecordWriter writer(scratch / "a.log", identity);
    writer.append("replies", "p1", "x");
    writer.append("effects", "p1", "y");
    writer.commit();
    MergedRecords const merged = merge_logs({scratch / "a.log"}, identity);
    ASSERT_EQ(merged.records().size(), 2u);
    EXPECT_EQ(merged.records()[0].record.kind, "effects");
}

TEST(RecordMerge, TellsOfTornTailsAndRefusesOtherRuns) {
    TemporaryFolder const scratch;
    auto const a = write_log(scratch / "a.log", {{"p1", "one"}});
    auto const torn = scratch.write("torn.log", read_file(a).substr(0, read_file(a).size() - 1));
    MergedRecords const merged = merge_logs({a, torn}, identity);
    EXPECT_EQ(merged.records().size(), 1u);
    ASSERT_EQ(merged.notices().size(), 1u);
    EXPECT_TRUE(merged.notices()[0].starts_with(torn.string())) << merged.notices()[0];
    EXPECT_ERROR(merge_logs({a}, {"j", "p2", "w", "n"}), ExitCode::bad_data, a.string(), "prompts: was p, is p2");
}

// More files than are kept open, asked for by several threads.
TEST(RecordMerge, ManyFilesAndReadersAtOnce) {
    TemporaryFolder const scratch;
    std::vector<std::filesystem::path> files;
    for (int i = 0; i < 100; ++i)
        files.push_back(write_log(scratch / fmt::format("{}.log", i), {{fmt::format("{:03}", i), std::to_string(i)}}));
    MergedRecords const merged = merge_logs(files, identity);
    auto const read_all = [&] {
        for (int round = 0; round < 3; ++round) {
            for (std::size_t i = 0; i < 100; ++i)
                ASSERT_EQ(merged.payload(merged.records()[i]), std::to_string(i));
        }
    };
    std::thread first(read_all), second(read_all);
    first.join();
    second.join();
}

}  // namespace
}  // namespace gatesweep
