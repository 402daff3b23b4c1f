#include "gatesweep/store/run_directory.h"

#include <gtest/gtest.h>

#include <optional>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/npy.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

CsvTable small_table(int value) {
    CsvTable table;
    table.header = {"x"};
    table.add(value);
    return table;
}

TEST(RunDirectory, LeavesWhatItPromises) {
    TemporaryFolder const scratch;
    auto const folder = scratch.path() / "deep" / "run";
    {
        RunDirectory run(folder);
        run.write_table("layers", small_table(1));
        for (char const* name : {"arrays", "tables", "figures"})
            EXPECT_TRUE(fs::is_directory(folder / name));
        run.write_array("counts", NdArray<std::int64_t>({2, 2}, 3));
        run.write_array("scores", NdArray<double>({1}, 0.5));
        run.write_text("job.toml", "[model]\n");
        run.write_text("figures/a.svg", "<svg/>");
        EXPECT_EQ(run.files().size(), 3u);
        EXPECT_EQ(run.files().at("tables/layers.csv"), sha256_hex("x\n1\n"));
        EXPECT_FALSE(is_complete(folder));
        run.complete({});
    }
    EXPECT_TRUE(is_complete(folder));
    EXPECT_EQ(read_file(folder / "tables/layers.csv"), "x\n1\n");
    EXPECT_EQ(read_npy<std::int64_t>(folder / "arrays/counts.npy").values, (std::vector<std::int64_t>(4, 3)));
    Manifest const manifest = read_manifest(folder);
    ASSERT_EQ(manifest.files.size(), 3u);
    for (auto const& [path, digest] : manifest.files)
        EXPECT_EQ(digest, sha256_hex_of_file(folder / path));
    EXPECT_TRUE(changed_files(folder, manifest).empty());
}

TEST(RunDirectory, StartingAgainTakesCompleteAwayAndKeepsTheFiles) {
    TemporaryFolder const scratch;
    auto const folder = scratch.path() / "run";
    {
        RunDirectory run(folder);
        run.write_array("counts", NdArray<std::int64_t>({2}, 3));
        run.write_table("old", small_table(1));
        run.complete({});
    }
    RunDirectory run(folder);
    EXPECT_TRUE(is_complete(folder));  // nothing was changed yet
    EXPECT_TRUE(run.files().empty());
    run.write_table("layers", small_table(2));
    EXPECT_FALSE(fs::exists(folder / "COMPLETE"));
    run.remove_table("old");
    run.remove_table("never");
    run.complete({});
    Manifest const manifest = read_manifest(folder);
    ASSERT_EQ(manifest.files.size(), 2u);  // the earlier attempt's array is listed too
    EXPECT_EQ(manifest.files.at("arrays/counts.npy"), sha256_hex_of_file(folder / "arrays/counts.npy"));
}

TEST(RunDirectory, SeesChangedFiles) {
    TemporaryFolder const scratch;
    auto const folder = scratch.path() / "run";
    {
        RunDirectory run(folder);
        run.write_table("a", small_table(1));
        run.write_table("b", small_table(1));
        run.write_table("c", small_table(1));
        run.complete({});
    }
    write_file_atomically(folder / "tables/b.csv", "x\n2\n");
    remove_file(folder / "tables/c.csv");
    EXPECT_EQ(changed_files(folder, read_manifest(folder)), (std::vector<std::string>{"tables/b.csv", "tables/c.csv"}));
    EXPECT_TRUE(is_complete(folder));
    write_file_atomically(folder / "manifest.json", to_json({}));
    EXPECT_FALSE(is_complete(folder));  // the mark belongs to another manifest
}

TEST(RunDirectory, IsHeldByOne) {
    TemporaryFolder const scratch;
    auto const folder = scratch.path() / "run";
    std::optional<RunDirectory> first(std::in_place, folder);
    first->complete({});
    EXPECT_ERROR(RunDirectory const second(folder), ExitCode::cannot_create, "in use by process ");
    EXPECT_TRUE(is_complete(folder));  // the one kept out changed nothing
    first.reset();
    RunDirectory const third(folder);
}

TEST(RunDirectory, RefusesAFolderOfOthers) {
    TemporaryFolder const scratch;
    write_file_atomically(scratch.path() / "thesis.tex", "x");
    for (char const* manifest : {"", "{\"name\": \"a web page\"}"}) {
        if (*manifest) write_file_atomically(scratch.path() / "manifest.json", manifest);
        EXPECT_ERROR(RunDirectory const run(scratch.path()), ExitCode::cannot_create, "not a run's");
    }
    EXPECT_FALSE(fs::exists(scratch.path() / "tables"));
    EXPECT_ERROR(RunDirectory const run(scratch.path() / "thesis.tex"), ExitCode::cannot_create);
}

TEST(RunDirectory, AcceptsACopyWithoutHiddenFiles) {
    TemporaryFolder const scratch;
    auto const folder = scratch.path() / "run";
    { RunDirectory(folder).complete({}); }
    fs::remove(folder / FolderLock::file_name);
    RunDirectory const run(folder);
}

TEST(RunDirectory, RemovesWhatAKilledAttemptLeftUnfinished) {
    TemporaryFolder const scratch;
    auto const folder = scratch.path() / "run";
    { RunDirectory(folder).write_text("job.toml", ""); }
    create_folder(folder / "log");
    for (char const* name :
         {"manifest.json.tmp123", "tables/layers.csv.tmp9", "arrays/x.npy.tmp77", "log/planned.csv.tmp5"}) {
        write_file_atomically(folder / name, "half");
    }
    write_file_atomically(folder / "notes.tmp", "mine");
    RunDirectory run(folder);
    EXPECT_TRUE(fs::exists(folder / "manifest.json.tmp123"));
    run.write_text("job.toml", "");
    EXPECT_FALSE(fs::exists(folder / "manifest.json.tmp123"));
    EXPECT_FALSE(fs::exists(folder / "tables/layers.csv.tmp9"));
    EXPECT_FALSE(fs::exists(folder / "arrays/x.npy.tmp77"));
    EXPECT_FALSE(fs::exists(folder / "log/planned.csv.tmp5"));
    EXPECT_TRUE(fs::exists(folder / "notes.tmp"));
}

TEST(RunDirectory, WritesNothingOutsideItself) {
    TemporaryFolder const scratch;
    RunDirectory run(scratch.path() / "run");
    for (char const* path : {"../x", "/tmp/x", "a/../../x", "", "tables/"}) {
        EXPECT_ERROR(run.write_text(path, "x"), ExitCode::internal);
    }
}

}  // namespace
}  // namespace gatesweep
