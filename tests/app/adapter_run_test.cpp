// Runs of a model with an adapter, through the real program: the same bytes from any layout, what the commands say of
// it, what a folder begun with another one does, and the checkpoint that it is merged into.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/manifest.h"
#include "support/child_process.h"
#include "support/demo_job.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

fs::path const golden = fs::path(GATESWEEP_SOURCE_DIR) / "tests/golden/olmoe-bf16";

std::string job_text() {
    std::string const source = GATESWEEP_SOURCE_DIR;
    std::string job = "[model]\npath = '" + (golden / "model").string() + "'\nadapter = 'adapter'\n" +
                      "[parallel]\ndevice = \"cpu\"\nthreads = 1\n";
    for (std::string const group : {"benign", "harmful"})
        job +=
            "[[prompts]]\ngroup = '" + group + "'\nfile = '" + source + "/prompts/demo/" + group + ".csv'\nlimit = 3\n";
    return job +
           "[sweep]\nmax_new_tokens = 4\nsignals = ['activation']\nclasses = ['top']\nsizes = [1]\ncontrols = { random "
           "= 1 }\n[sweep.screen]\nenabled = false\n";
}

class AdapterRun : public testing::Test {
protected:
    AdapterRun() {
        scene_.write("job.toml", job_text());
        fs::copy(golden / "adapter" / "per-expert", scene_ / "adapter");
    }
    ChildResult gatesweep(std::vector<std::string> const& arguments, int ranks = 1) const {
        return run_child(on_ranks(ranks, arguments), scene_.path(), scene_ / "output.txt", rank_environment, 240);
    }
    void expect(std::vector<std::string> const& arguments, ExitCode code, std::vector<std::string> const& words,
                int ranks = 1) const {
        ChildResult const result = gatesweep(arguments, ranks);
        EXPECT_EQ(result.exit_code, static_cast<int>(code)) << result.output;
        for (auto const& word : words)
            EXPECT_NE(result.output.find(word), std::string::npos) << '"' << word << "\" is not in:\n" << result.output;
    }
    std::map<std::string, std::string> digests(std::string const& run) const { return digests_of(scene_ / run); }

    TemporaryFolder scene_;
};

TEST_F(AdapterRun, LeavesTheSameBytesFromAnyLayoutNamingAndTheMergedModel) {
    expect({"plan", "job.toml"}, ExitCode::ok, {"adapter", "rank 2, alpha 3, 8 matrices of 3 experts, 5 of attention"});
    expect({"run", "job.toml", "--out", "one"}, ExitCode::ok, {"adapter", "8 matrices of 3 experts"});
    expect({"run", "job.toml", "--out", "two", "--set", "parallel.expert_parallel=2"}, ExitCode::ok, {}, 2);
    expect({"run", "job.toml", "--out", "fused", "--set", "model.adapter=" + (golden / "adapter" / "fused").string()},
           ExitCode::ok, {}, 2);
    expect({"run", "job.toml", "--out", "plain", "--set", "model.adapter=\"\""}, ExitCode::ok, {});
    EXPECT_EQ(digests("two"), digests("one"));
    EXPECT_EQ(digests("fused"), digests("one"));
    EXPECT_NE(digests("plain"), digests("one"));
    Manifest const one = read_manifest(scene_ / "one"), two = read_manifest(scene_ / "two"),
                   plain = read_manifest(scene_ / "plain");
    EXPECT_EQ(two.weights_digest, one.weights_digest);
    EXPECT_NE(plain.weights_digest, one.weights_digest);
    EXPECT_FALSE(plain.adapter);
    ASSERT_TRUE(one.adapter && two.adapter);
    EXPECT_EQ(one.adapter->folder, (scene_ / "adapter").string());
    EXPECT_EQ(one.adapter->files.at("adapter_config.json"), sha256_hex_of_file(scene_ / "adapter/adapter_config.json"));
    EXPECT_EQ(one.adapter->files.size(), 2u);
    EXPECT_EQ(read_file(scene_ / "two/job.toml").find("adapter = ") == std::string::npos, false);

    expect({"merge", (golden / "model").string(), "--adapter", "adapter", "--out", "merged"}, ExitCode::ok,
           {"8 matrices of 3 experts"});
    expect({"run", "job.toml", "--out", "of-merged", "--set", "model.path=merged", "--set", "model.adapter=\"\""},
           ExitCode::ok, {});
    EXPECT_EQ(digests("of-merged"), digests("one"));
    expect({"merge", (golden / "model").string(), "--adapter", "adapter", "--out", "merged"}, ExitCode::cannot_create,
           {"merged", "there already"});
}

TEST_F(AdapterRun, GoesOnOnlyWithTheSameAdapter) {
    std::vector<std::string> const run = {"run", "job.toml", "--out", "out", "--set", "sweep.enabled=false"};
    expect(run, ExitCode::ok, {});
    // Elsewhere it is the same one.
    fs::rename(scene_ / "adapter", scene_ / "moved");
    auto moved = run;
    moved.insert(moved.end(), {"--set", "model.adapter=moved"});
    expect(moved, ExitCode::ok, {"already"});
    auto without = run;
    without.insert(without.end(), {"--set", "model.adapter=\"\""});
    expect(without, ExitCode::cannot_create, {"weights"});
    std::string config = read_file(scene_ / "moved/adapter_config.json");
    auto const at = config.find("\"lora_alpha\": 3");
    ASSERT_NE(at, std::string::npos);
    scene_.write("moved/adapter_config.json", config.replace(at, 15, "\"lora_alpha\": 4"));
    expect(moved, ExitCode::cannot_create, {"weights"});
}

TEST_F(AdapterRun, IsRefusedWhereItDoesNotBelong) {
    expect({"verify", "job.toml", "--prompts", "1"}, ExitCode::ok, {"checks passed"});
    expect({"run", "job.toml", "--out", "out", "--set", "model.path=" + (golden / "../hub-bf16/model").string()},
           ExitCode::bad_data, {"adapter_model.safetensors", "nothing in the model"}, 2);
    expect({"plan", "job.toml", "--set", "model.path=" + (golden / "../hub-bf16/model").string()}, ExitCode::ok,
           {"the run would end here", "adapter_model.safetensors"});
    expect({"run", "job.toml", "--out", "out", "--set", "model.adapter=nowhere"}, ExitCode::input_missing,
           {"model.adapter", "nowhere"});
    fs::remove(scene_ / "adapter/adapter_config.json");
    expect({"run", "job.toml", "--out", "out"}, ExitCode::input_missing, {"adapter_config.json"});
    expect({"merge", (golden / "model").string(), "--adapter", "adapter", "--out", "merged"}, ExitCode::input_missing,
           {"adapter_config.json"});
    EXPECT_FALSE(fs::exists(scene_ / "merged"));
}

}  // namespace
}  // namespace gatesweep
