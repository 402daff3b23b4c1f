// Whole runs of a job with [[pairs]] on golden checkpoints: the counted tokens, counts, losses and risk differences
// that an independent script took from Hugging Face transformers (tests/golden/make_pairs.py), from any layout of
// ranks, from layers on disk, and after an interruption, in the same bytes.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/store/npy.h"
#include "support/child_process.h"
#include "support/demo_job.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path golden(std::string const& checkpoint) {
    return fs::path(GATESWEEP_GOLDEN_DIR) / checkpoint;
}

std::string job_text(std::string const& checkpoint, std::string const& pairs, std::string const& sweep = "") {
    std::string const source = GATESWEEP_SOURCE_DIR;
    std::string job = "[model]\npath = '" + (golden(checkpoint) / "model").string() +
                      "'\ndtype = \"float32\"\n[parallel]\ndevice = \"cpu\"\nthreads = 1\n";
    for (std::string const group : {"benign", "harmful"})
        job +=
            "[[prompts]]\ngroup = '" + group + "'\nfile = '" + source + "/prompts/demo/" + group + ".csv'\nlimit = 2\n";
    return job + pairs + "[scores]\nproviders = ['risk-difference']\nbootstrap = 40\n" + sweep;
}

std::string golden_pairs() {
    return "[[pairs]]\nname = 'golden'\nfile = '" + (fs::path(GATESWEEP_GOLDEN_DIR) / "pairs.jsonl").string() + "'\n";
}

ChildResult gatesweep(fs::path const& folder, std::vector<std::string> const& arguments, int ranks = 1,
                      std::vector<std::pair<std::string, std::string>> environment = {}) {
    environment.insert(environment.end(), rank_environment.begin(), rank_environment.end());
    return run_child(on_ranks(ranks, arguments), folder, folder / "output.txt", environment, 600);
}

void expect_ok(ChildResult const& result) {
    ASSERT_EQ(result.exit_code, 0) << result.output;
}

class PairsRun : public testing::TestWithParam<char const*> {};

TEST_P(PairsRun, GivesWhatTransformersGivesFromAnyLayout) {
    TemporaryFolder const scene;
    scene.write("job.toml", job_text(GetParam(), golden_pairs()));
    expect_ok(gatesweep(scene.path(), {"run", "job.toml", "--out", "alone"}));
    fs::path const run = scene / "alone";
    json const expected = json::parse(read_file(golden(GetParam()) / "pairs.json"));

    auto const counts = read_npy<std::int64_t>(run / "arrays" / "pair_counts.npy");
    auto const wanted = read_npy<std::int64_t>(golden(GetParam()) / "pair_counts.npy");
    EXPECT_EQ(counts.shape, wanted.shape);
    EXPECT_EQ(counts.values, wanted.values);

    CsvTable const pairs = read_csv(run / "tables" / "pairs.csv");
    ASSERT_EQ(pairs.rows.size(), expected["pairs"].size());
    for (std::size_t p = 0; p < pairs.rows.size(); ++p) {
        for (std::string const side : {"0", "1"}) {
            json const& want = expected["pairs"][p]["sides"][side == "0" ? 0 : 1];
            EXPECT_EQ(pairs.integer(p, "num_tokens_" + side), std::ssize(want["token_ids"]));
            EXPECT_EQ(pairs.integer(p, "counted_" + side),
                      want["last"].get<std::int64_t>() - want["first"].get<std::int64_t>());
            EXPECT_NEAR(pairs.number(p, "loss_" + side), want["loss"].get<double>(), 1e-5);
        }
    }
    EXPECT_EQ(pairs.text(0, "pair_id"), "lock");

    CsvTable const risks = read_csv(run / "tables" / "risk_difference.csv");
    std::vector<std::string> const published = {"layer", "expert", "a1",        "a2",           "d1",           "d2",
                                                "a1_n",  "a2_n",   "risk_diff", "Layer_Expert", "risk_diff_abs"};
    ASSERT_GE(risks.header.size(), published.size());
    EXPECT_TRUE(std::equal(published.begin(), published.end(), risks.header.begin()));
    ASSERT_EQ(risks.rows.size(), expected["risk_difference"].size());
    for (std::size_t row = 0; row < risks.rows.size(); ++row) {
        json const& want = expected["risk_difference"][row];
        std::size_t i = 0;
        for (char const* const column : {"layer", "expert", "a1", "a2", "d1", "d2"})
            EXPECT_EQ(risks.integer(row, column), want[i++].get<std::int64_t>()) << "row " << row << ", " << column;
        EXPECT_NEAR(risks.number(row, "risk_diff"), want[6].get<double>(), 1e-15);
        EXPECT_LE(risks.number(row, "pair_low"), risks.number(row, "pair_high"));
    }

    auto const digests = digests_of(run);
    EXPECT_TRUE(digests.contains("risk_difference_controls.csv"));
    std::vector<std::tuple<std::string, int, std::vector<std::string>>> const others = {
        {"shared", 2, {"--set", "parallel.expert_parallel=2"}},
        {"copies", 4, {"--set", "parallel.expert_parallel=2", "--set", "signals.batch_tokens=60"}},
        {"streamed", 2, {"--set", "signals.stream=true", "--set", "signals.memory=\"20 kB\""}}};
    for (auto const& [name, ranks, settings] : others) {
        std::vector<std::string> arguments = {"run", "job.toml", "--out", name};
        arguments.insert(arguments.end(), settings.begin(), settings.end());
        expect_ok(gatesweep(scene.path(), arguments, ranks));
        EXPECT_EQ(digests_of(scene / name), digests) << name;
    }
}

INSTANTIATE_TEST_SUITE_P(Golden, PairsRun,
                         testing::Values("hub-bf16", "fused-f16", "olmoe-bf16", "qwen2-dense-bf16", "qwen3-moe-bf16"));

// Ended in the middle of the pairs, then begun again on other ranks.
TEST(PairsResume, GoesOnFromCommittedPairs) {
    TemporaryFolder const scene;
    scene.write("job.toml", job_text("hub-bf16", golden_pairs()));
    std::vector<std::string> const run = {"run", "job.toml", "--set", "signals.batch_tokens=60", "--out"};
    auto const into = [&](std::string const& name) {
        auto arguments = run;
        arguments.push_back(name);
        return arguments;
    };
    expect_ok(gatesweep(scene.path(), into("whole")));
    ChildResult const killed = gatesweep(scene.path(), into("ended"), 1, {{"GATESWEEP_FAIL", "kill@pairs:12/0"}});
    EXPECT_NE(killed.exit_code, 0) << killed.output;
    ChildResult const again = gatesweep(scene.path(), into("ended"), 2);
    expect_ok(again);
    EXPECT_NE(again.output.find("pair side"), std::string::npos) << again.output;
    EXPECT_EQ(digests_of(scene / "ended"), digests_of(scene / "whole"));
}

// Prompts with two answers, a document with a question, and sets chosen by both risk differences and a published table.
TEST(PairsSweep, TriesSteeredSetsAndCountsPhasesApart) {
    TemporaryFolder const scene;
    scene.write("prompts.csv",
                "id,prompt,response\na,How do I open a lock?,Use a wire.\nb,Write a false letter.,Dear "
                "all\nc,Jump the queue?,Say you are ill.\n");
    scene.write("refusals.txt", "Sorry, I cannot.\nNo, I will not help.\n");
    scene.write("faith.csv", "context,question\nThe bridge is blue.,What colour is it?\nIt opened in 1893.,When?\n");
    std::string published = "layer,expert,score\n";
    for (int layer = 0; layer < 2; ++layer) {
        for (int expert = 0; expert < 8; ++expert)
            published += std::to_string(layer) + "," + std::to_string(expert) + "," +
                         std::to_string((expert - 3) * (layer + 1)) + "\n";
    }
    scene.write("published.csv", published);
    std::string const pairs =
        "[[pairs]]\nname = 'safety'\nprompts = 'prompts.csv'\nresponse_0 = 'refusals.txt'\nresponse_1 = 'response'\n"
        "[[pairs]]\nname = 'faith'\nprompts = 'faith.csv'\ncolumn = 'question'\ndocument = 'context'\nquestion = "
        "'question'\n";
    std::string const sweep =
        "import = [{ name = 'published', file = 'published.csv' }]\n[signals]\nphases = ['prompt', 'generated']\n"
        "[sweep]\nmax_new_tokens = 4\nsignals = ['risk-difference', 'published']\nactivate = [0, 1]\ndeactivate = [2]\n"
        "controls = { random = 2, bottom = true, reverse = true }\nscreen = { enabled = false }\n"
        "[[sweep.trial]]\nname = 'own'\nfrom = { provider = 'published', activate = 2, deactivate = 1 }\n";
    scene.write("job.toml", job_text("hub-bf16", pairs, sweep));
    expect_ok(gatesweep(scene.path(), {"run", "job.toml", "--out", "alone"}));
    expect_ok(
        gatesweep(scene.path(), {"run", "job.toml", "--out", "shared", "--set", "parallel.expert_parallel=2"}, 2));
    EXPECT_EQ(digests_of(scene / "alone"), digests_of(scene / "shared"));

    fs::path const tables = scene / "alone" / "tables";
    CsvTable const table = read_csv(tables / "pairs.csv");
    ASSERT_EQ(table.rows.size(), 5u);
    EXPECT_EQ(table.text(3, "name"), "faith");
    EXPECT_EQ(table.integer(3, "counted_0"), table.integer(3, "counted_1"));  // the question on both sides
    EXPECT_GT(table.integer(3, "num_tokens_0"), table.integer(3, "num_tokens_1"));

    CsvTable const trials = read_csv(tables / "trials.csv");
    EXPECT_EQ(trials.header.back(), "tokens_affected");
    bool has_own = false;
    for (std::size_t row = 0; row < trials.rows.size(); ++row) {
        if (trials.text(row, "kind") == "baseline") continue;
        EXPECT_EQ(trials.text(row, "mode"), "steer");
        EXPECT_GT(trials.integer(row, "tokens_affected"), 0);
        if (trials.text(row, "name") == "own" && trials.text(row, "group") == "harmful") {
            has_own = true;
            EXPECT_EQ(trials.text(row, "experts_with_values"), "1:0=-1 1:6=+1 1:7=+1");
        }
    }
    EXPECT_TRUE(has_own);

    // Generated tokens of the baseline, apart from those of the prompts.
    auto const generated = read_npy<std::int64_t>(scene / "alone" / "arrays" / "generated_counts.npy");
    CsvTable const prompts = read_csv(tables / "prompts.csv"), phases = read_csv(tables / "phases.csv");
    ASSERT_EQ(generated.shape[0], std::ssize(prompts.rows));
    for (std::int64_t p = 0; p < generated.shape[0]; ++p) {
        std::int64_t sum = 0;
        for (std::int64_t e = 0; e < generated.shape[2]; ++e)
            sum += generated.at(p, 0, e);
        EXPECT_GT(sum, 0);
        EXPECT_LE(sum, 2 * 4);  // top-2 of at most 4 tokens
    }
    EXPECT_EQ(phases.text(0, "phase"), "prompt");
    EXPECT_EQ(phases.text(phases.rows.size() - 1, "phase"), "generated");
}

TEST(PairsRefusals, NameFileAndRow) {
    TemporaryFolder const scene;
    scene.write("bad.jsonl",
                "{\"messages_0\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": "
                "\"b\"}], \"messages_1\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", "
                "\"content\": \"c\"}], \"messages_0_target\": \"b\", \"messages_1_target\": \"z\"}\n");
    scene.write("job.toml", job_text("hub-bf16", "[[pairs]]\nfile = 'bad.jsonl'\n"));
    ChildResult const result = gatesweep(scene.path(), {"run", "job.toml", "--out", "out"});
    EXPECT_EQ(result.exit_code, static_cast<int>(ExitCode::bad_data)) << result.output;
    for (char const* const words : {"bad.jsonl row 1", "messages_1_target", "does not stand"})
        EXPECT_NE(result.output.find(words), std::string::npos) << words << '\n' << result.output;
}

}  // namespace
}  // namespace gatesweep
