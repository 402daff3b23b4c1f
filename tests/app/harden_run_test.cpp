// Whole runs of `gatesweep harden` on the demo model: the same adapters and tables from any layout of ranks and after
// an interruption, adapters that later jobs and a merged checkpoint carry, and what the terminal and the page say.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/csv.h"
#include "support/child_process.h"
#include "support/demo_job.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

fs::path const source = GATESWEEP_SOURCE_DIR;

std::string job_text(std::string const& harden) {
    std::string job = "[model]\npath = '" + (source / "jobs/demo/model").string() +
                      "'\ndtype = \"float32\"\n[parallel]\ndevice = \"cpu\"\nthreads = 1\n";
    for (std::string const group : {"benign", "harmful", "near_miss", "benign_train", "harmful_train"})
        job += "[[prompts]]\ngroup = '" + group + "'\nfile = '" +
               (source / "prompts/demo" / (group + ".csv")).string() + "'\nlimit = 6\n";
    return job +
           "[harden]\nprovider = 'activation'\nexperts = 3\nrank = 2\nsteps = 6\nsave = 2\nevaluate = 3\nbatch = 4\n"
           "parts = 3\nvalidation = 0.4\nmax_new_tokens = 8\nlearning_rate = 1e-2\nsuppress = [[2, 5], [3, 1]]\n"
           "train = { harmful = 'harmful_train', benign = 'benign_train' }\n"
           "held_out = { harmful = 'harmful', benign = 'benign', near_miss = 'near_miss' }\nrefusals = '" +
           (source / "prompts/demo/refusals.txt").string() + "'\n" + harden;
}

ChildResult gatesweep(fs::path const& folder, std::vector<std::string> const& arguments, int ranks = 1,
                      std::vector<std::pair<std::string, std::string>> environment = {}) {
    environment.insert(environment.end(), rank_environment.begin(), rank_environment.end());
    return run_child(on_ranks(ranks, arguments), folder, folder / "output.txt", environment, 600);
}

// Everything that must not depend on ranks or interruptions, the adapters among it.
std::map<std::string, std::string> digests_of_hardening(fs::path const& run) {
    auto digests = digests_of(run);
    for (char const* folder : {"adapter", "adapters/random", "adapters/all-experts", "adapters/attention"}) {
        if (!fs::exists(run / folder)) continue;
        for (auto const& entry : fs::directory_iterator(run / folder))
            digests[std::string(folder) + "/" + entry.path().filename().string()] = sha256_hex_of_file(entry.path());
    }
    return digests;
}

TEST(HardenRun, HasTheSameBytesOnAnyLayout) {
    TemporaryFolder const scene;
    scene.write("job.toml", job_text("gamma = 0.5\n"));
    ChildResult const alone = gatesweep(scene.path(), {"harden", "job.toml", "--out", "alone"});
    ASSERT_EQ(alone.exit_code, 0) << alone.output;
    auto const expected = digests_of_hardening(scene / "alone");
    for (char const* file : {"harden_arms.csv", "harden_steps.csv", "harden_gates.csv", "harden_robustness.csv",
                             "adapter/adapter_model.safetensors", "adapter/adapter_config.json",
                             "adapter/hardening.json", "adapters/attention/adapter_model.safetensors"})
        EXPECT_TRUE(expected.contains(file)) << file;
    for (auto const& [ranks, degree] : {std::pair(2, 1), std::pair(2, 2), std::pair(4, 2)}) {
        std::string const out = "r" + std::to_string(ranks) + "e" + std::to_string(degree);
        ChildResult const shared = gatesweep(
            scene.path(),
            {"harden", "job.toml", "--out", out, "--set", "parallel.expert_parallel=" + std::to_string(degree)}, ranks);
        ASSERT_EQ(shared.exit_code, 0) << shared.output;
        EXPECT_EQ(digests_of_hardening(scene / out), expected) << out;
    }
}

TEST(HardenRun, GoesOnFromWhereItWasKilled) {
    TemporaryFolder const scene;
    scene.write("job.toml", job_text("compare = ['random']\n"));
    ASSERT_EQ(gatesweep(scene.path(), {"harden", "job.toml", "--out", "whole"}).exit_code, 0);
    // In the answers of the base model, in a step, and while an arm is judged.
    for (char const* where : {"kill@harden:20/0", "kill@harden:200/0", "kill@harden:500/0", "kill@harden:900/0"}) {
        ChildResult const killed =
            gatesweep(scene.path(), {"harden", "job.toml", "--out", "ended"}, 1, {{"GATESWEEP_FAIL", where}});
        EXPECT_NE(killed.exit_code, 0) << where << killed.output;
        EXPECT_FALSE(fs::exists(scene / "ended/COMPLETE"));
    }
    ChildResult const last = gatesweep(scene.path(), {"harden", "job.toml", "--out", "ended"}, 2);
    ASSERT_EQ(last.exit_code, 0) << last.output;
    EXPECT_EQ(digests_of_hardening(scene / "ended"), digests_of_hardening(scene / "whole"));
    ChildResult const again = gatesweep(scene.path(), {"harden", "job.toml", "--out", "ended"});
    EXPECT_EQ(again.exit_code, 0);
    EXPECT_NE(again.output.find("nothing to do"), again.output.npos) << again.output;
}

TEST(HardenRun, EndsOnEveryRankWhenOneFails) {
    TemporaryFolder const scene;
    scene.write("job.toml", job_text("compare = []\n"));
    for (char const* where : {"throw@harden:10/1", "throw@harden:150/0"}) {
        ChildResult const failed =
            gatesweep(scene.path(), {"harden", "job.toml", "--out", "failed"}, 2, {{"GATESWEEP_FAIL", where}});
        EXPECT_EQ(failed.exit_code, 70) << failed.output;
        EXPECT_NE(failed.output.find("failed on purpose at event"), failed.output.npos) << failed.output;
    }
}

TEST(HardenRun, LeavesAnAdapterThatOtherJobsRunOn) {
    TemporaryFolder const scene;
    scene.write("job.toml", job_text("compare = []\n"));
    ChildResult const made = gatesweep(scene.path(), {"harden", "job.toml", "--out", "hardened", "--merge", "merged"});
    ASSERT_EQ(made.exit_code, 0) << made.output;
    auto const facts = nlohmann::json::parse(read_file(scene / "hardened/adapter/hardening.json"));
    EXPECT_EQ(facts.at("arm"), "selected");
    EXPECT_TRUE(facts.at("accepted").is_boolean());
    EXPECT_TRUE(facts.at("gates").contains("held_out_refusal"));

    std::string const adapter = (scene / "hardened/adapter").string();
    for (auto const& [out, settings] : std::map<std::string, std::vector<std::string>>{
             {"base", {}},
             {"beside", {"--set", "model.adapter=" + adapter}},
             {"inside", {"--set", "model.path=" + (scene / "merged").string()}}}) {
        std::vector<std::string> arguments = {"run", "job.toml", "--out", out};
        arguments.insert(arguments.end(), settings.begin(), settings.end());
        ChildResult const run = gatesweep(scene.path(), arguments);
        ASSERT_EQ(run.exit_code, 0) << run.output;
        EXPECT_NE(run.output.find("left out: gatesweep harden trains"), run.output.npos) << run.output;
    }
    auto const losses = [&](char const* run) {
        CsvTable const table = read_csv(scene / run / "tables/prompts.csv");
        std::vector<double> out;
        for (std::size_t row = 0; row < table.rows.size(); ++row)
            out.push_back(table.number(row, "loss"));
        return out;
    };
    EXPECT_NE(losses("base"), losses("beside"));
    // The checkpoint stores bfloat16, the job computes in float32.
    std::vector<double> const beside = losses("beside"), inside = losses("inside");
    for (std::size_t i = 0; i < beside.size(); ++i)
        EXPECT_NEAR(beside[i], inside[i], 0.05 * beside[i]);
}

TEST(HardenRun, SaysWhetherItIsAccepted) {
    TemporaryFolder const scene;
    scene.write("job.toml", job_text("compare = []\nlimits = { refusal = 0, compliance_drop = 100, perplexity_ratio = "
                                     "100, js = 1, overlap = 0 }\n"));
    ChildResult const made = gatesweep(scene.path(), {"harden", "job.toml", "--out", "accepted"});
    ASSERT_EQ(made.exit_code, 0) << made.output;
    EXPECT_NE(made.output.find("accepted: every gate is passed"), made.output.npos) << made.output;
    ChildResult const refused = gatesweep(
        scene.path(), {"harden", "job.toml", "--out", "refused", "--set", "harden.limits.perplexity_ratio=0.1"});
    ASSERT_EQ(refused.exit_code, 0) << refused.output;
    EXPECT_NE(refused.output.find("not accepted: perplexity_ratio"), refused.output.npos) << refused.output;
    std::string const page = read_file(scene / "refused/report.html");
    EXPECT_NE(page.find("id=\"harden\""), page.npos);
    EXPECT_NE(page.find("fails: the limit is"), page.npos);
    EXPECT_TRUE(fs::exists(scene / "refused/figures/harden_loss.gp"));
}

TEST(HardenRun, NeedsASection) {
    TemporaryFolder const scene;
    std::string const job = job_text("");
    scene.write("job.toml", job.substr(0, job.find("[harden]")));
    ChildResult const refused = gatesweep(scene.path(), {"harden", "job.toml", "--out", "out"});
    EXPECT_EQ(refused.exit_code, 78);
    EXPECT_NE(refused.output.find("there is no [harden] section"), refused.output.npos) << refused.output;
}

}  // namespace
}  // namespace gatesweep
