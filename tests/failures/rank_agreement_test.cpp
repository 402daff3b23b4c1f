// Ranks that differ are named before work starts.
#include "gatesweep/comm/agreement.h"

#include <gtest/gtest.h>

#include "failures/small_job.h"

namespace gatesweep {
namespace {

NamedValue const what{"the kernel", "", ExitCode::unavailable, "use one"};
std::vector<std::string> const hosts = {"n0", "n1", "n2", "n3"};

TEST(Agreement, OfAllIsNoMessage) {
    EXPECT_EQ(disagreement(what, hosts, {"a", "a", "a", "a"}), "");
}

TEST(Agreement, IsWithTheMajority) {
    EXPECT_EQ(disagreement(what, hosts, {"b", "a", "a", "a"}),
              "ranks differ in the kernel: rank 0 on node n0 has b, but rank 1 on node n1 has a (results would mix "
              "both): use one");
    std::string const both = disagreement(what, hosts, {"a", "b", "a", "c"});
    EXPECT_NE(both.find("rank 1 on node n1 has b, rank 3 on node n3 has c, but rank 0 on node n0 has a"),
              std::string::npos)
        << both;
}

TEST(Agreement, IsWithRankZeroInATie) {
    // Here the value of rank 0 sorts last.
    EXPECT_NE(disagreement(what, hosts, {"z", "a", "a", "z"})
                  .find("rank 1 on node n1 has a, rank 2 on node n2 has a, but rank 0"),
              std::string::npos);
}

void expect_refusal(SmallJob const& small, std::vector<std::vector<std::string>> const& before_rank, ExitCode code,
                    std::vector<std::string> const& words) {
    auto const result = small.run(3, {}, 60, before_rank);
    SCOPED_TRACE(result.output);
    EXPECT_EQ(result.exit_code, static_cast<int>(code));
    for (auto const& word : words)
        EXPECT_NE(result.output.find(word), std::string::npos) << word;
    EXPECT_EQ(result.output.find("error: "), result.output.rfind("error: ")) << "one message";
}

TEST(Agreement, RefusesOtherSettingsOnOneRank) {
    expect_refusal(SmallJob(), {{}, {}, {"env", "GATESWEEP_GEMM=portable"}}, ExitCode::unavailable,
                   {"rank 2 on node", "has GATESWEEP_GEMM=portable, but rank 0 on node", "has none"});
}

TEST(Agreement, RefusesAnotherInstructionSetOnOneRank) {
    expect_refusal(SmallJob(), {{"env", "ATEN_CPU_CAPABILITY=default"}, {}, {}}, ExitCode::unavailable,
                   {"ranks differ in", "rank 0 on node", "but rank 1 on node"});
}

// A rank that finds another checkpoint under the same name, as on a node's own disk: each in its working folder.
std::vector<std::string> in_its_own_folder(SmallJob const& small,
                                           std::function<void(std::filesystem::path const&)> const& change) {
    auto const other = small.folder() / "other";
    std::filesystem::create_directory(other);
    small.replace_in_job("path = \"model\"", "path = \"/proc/self/cwd/model\"");
    for (auto const* name : {"model", "benign.csv", "harmful.csv", "job.toml"})
        std::filesystem::copy(small.folder() / name, other / name, std::filesystem::copy_options::recursive);
    change(other / "model");
    return {"env", "-C", other.string()};
}

TEST(Agreement, RefusesAnotherConfigOnOneRank) {
    SmallJob const small;
    auto const before = in_its_own_folder(
        small, [](auto const& model) { std::ofstream(model / "config.json", std::ios::app) << "\n"; });
    expect_refusal(small, {{}, before, {}}, ExitCode::bad_data,
                   {"model/config.json", "rank 1 on node", "give every node the same copy"});
}

TEST(Agreement, RefusesOtherWeightsOnOneRank) {
    SmallJob const small;
    auto const before = in_its_own_folder(small, [](auto const& model) {
        auto const shard = model / "model-00001-of-00003.safetensors";
        std::fstream file(shard, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(shard)) - 2);
        file.write("\x01\x3c", 2);  // a small number in any of the stored types
    });
    expect_refusal(small, {{}, {}, before}, ExitCode::bad_data,
                   {"weights", "rank 2 on node", "has digest", "give every node the same copy"});
}

}  // namespace
}  // namespace gatesweep
