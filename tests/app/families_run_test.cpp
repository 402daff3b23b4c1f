// Whole runs on other families than Mixtral, layers without a router among them: the same bytes from one rank and from
// two and three that share the experts, decoder layers in every table, rows for layers with a router in every array.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/store/manifest.h"
#include "gatesweep/store/npy.h"
#include "support/child_process.h"
#include "support/demo_job.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

using Layers = std::vector<std::int64_t>;

struct Case {
    std::string checkpoint, family;
    Layers moe_layers;
};

std::string job_text(std::string const& checkpoint, std::int64_t layer) {
    std::string const source = GATESWEEP_SOURCE_DIR;
    std::string job = "[model]\npath = '" + source + "/tests/golden/" + checkpoint +
                      "/model'\ndtype = \"float32\"\n[parallel]\ndevice = \"cpu\"\nthreads = 1\n";
    for (std::string const group : {"benign", "harmful"})
        job +=
            "[[prompts]]\ngroup = '" + group + "'\nfile = '" + source + "/prompts/demo/" + group + ".csv'\nlimit = 4\n";
    return job +
           "[analysis]\nactivation = { gap = 0.01, min = 0.02 }\n[report]\nmark = 'marks.csv'\n[sweep]\nside_effects = "
           "['benign']\nmax_new_tokens = 6\nsignals = ['activation', 'gradient']\nsizes = [1, 2]\nmodes = ['mask', "
           "'zero', 'zero-renormalise', 'steer']\ncontrols = { random = 2, bottom = true }\n[sweep.screen]\n"
           "refusals = ['no', 'I cannot']\ncompliances = ['yes', 'Sure']\nlimit = 2\n"
           "[[sweep.trial]]\nname = 'own'\nexperts = [[" +
           std::to_string(layer) + ", 1]]\n";
}

ChildResult gatesweep(fs::path const& folder, std::vector<std::string> const& arguments, int ranks = 1) {
    return run_child(on_ranks(ranks, arguments), folder, folder / "output.txt", rank_environment, 240);
}

Layers layers_in(fs::path const& table) {
    CsvTable const rows = read_csv(table);
    std::set<std::int64_t> layers;
    for (std::size_t row = 0; row < rows.rows.size(); ++row)
        layers.insert(rows.integer(row, "layer"));
    return {layers.begin(), layers.end()};
}

void expect_words(ChildResult const& result, ExitCode code, std::vector<std::string> const& words) {
    EXPECT_EQ(result.exit_code, static_cast<int>(code)) << result.output;
    for (auto const& word : words)
        EXPECT_NE(result.output.find(word), std::string::npos) << '"' << word << "\" is not in:\n" << result.output;
}

class FamiliesRun : public testing::TestWithParam<Case> {};

TEST_P(FamiliesRun, LeavesTheSameBytesFromAnyLayoutAndNamesDecoderLayers) {
    auto const& [checkpoint, family, moe_layers] = GetParam();
    TemporaryFolder const scene;
    scene.write("marks.csv", "layer,expert\n" + std::to_string(moe_layers.back()) + ",0\n");
    scene.write("job.toml", job_text(checkpoint, moe_layers.back()));
    expect_words(gatesweep(scene.path(), {"plan", "job.toml"}), ExitCode::ok, {"layers"});
    expect_words(gatesweep(scene.path(), {"run", "job.toml", "--out", "alone"}), ExitCode::ok, {});
    // Three ranks: unlike numbers of experts.
    for (int ranks : {2, 3}) {
        std::string const degree = std::to_string(ranks);
        expect_words(
            gatesweep(scene.path(),
                      {"run", "job.toml", "--out", "shared" + degree, "--set", "parallel.expert_parallel=" + degree},
                      ranks),
            ExitCode::ok, {});
    }
    fs::path const run = scene / "alone";
    auto const digests = digests_of(run);
    EXPECT_EQ(digests_of(scene / "shared2"), digests);
    EXPECT_EQ(digests_of(scene / "shared3"), digests);
    Manifest const manifest = read_manifest(run);
    EXPECT_EQ(manifest.family, family);
    EXPECT_EQ(manifest.moe_layers, moe_layers);
    for (auto const* table :
         {"expert_scores", "layers", "classes_activation", "classes_gradient", "top_frequency", "near_ties", "screen"})
        EXPECT_EQ(layers_in(run / "tables" / (std::string(table) + ".csv")), moe_layers) << table;
    EXPECT_EQ(layers_in(run / "tables" / "marked_experts.csv"), Layers{moe_layers.back()});
    Layers const of_trials = layers_in(run / "tables" / "trial_experts.csv");
    EXPECT_TRUE(std::includes(moe_layers.begin(), moe_layers.end(), of_trials.begin(), of_trials.end()));
    CsvTable const summary = read_csv(run / "tables" / "layer_summary.csv");
    EXPECT_EQ(summary.integer(0, "first_layer"), moe_layers.front());
    EXPECT_EQ(summary.integer(0, "last_layer"), moe_layers.back());
    EXPECT_EQ(read_npy<std::int64_t>(run / "arrays/activation_counts.npy").shape[1], std::ssize(moe_layers));
    EXPECT_EQ(read_npy<double>(run / "arrays/screen_margin_change.npy").shape[1], std::ssize(moe_layers));

    std::string const page = read_file(run / "report.html");
    std::regex const named("<span class=\"ex\">(\\d+):\\d+");
    Layers on_page;
    for (auto it = std::sregex_iterator(page.begin(), page.end(), named); it != std::sregex_iterator(); ++it)
        on_page.push_back(std::stoll((*it)[1]));
    EXPECT_FALSE(on_page.empty());
    for (std::int64_t layer : on_page)
        EXPECT_TRUE(std::ranges::binary_search(moe_layers, layer)) << "report.html names layer " << layer;

    // Without the model: the same tables once more, and the page.
    expect_words(gatesweep(scene.path(), {"analyze", "alone", "--in-place"}), ExitCode::ok, {});
    EXPECT_EQ(digests_of(run), digests);
    expect_words(gatesweep(scene.path(), {"verify", "job.toml", "--prompts", "1"}), ExitCode::ok, {"checks passed"});
    expect_words(gatesweep(scene.path(), {"plan", "job.toml", "--out", "alone"}), ExitCode::ok, {"layers"});
    expect_words(gatesweep(scene.path(), {"compare", "alone", "shared3"}), ExitCode::ok, {});
}

INSTANTIATE_TEST_SUITE_P(
    Golden, FamiliesRun,
    testing::Values(Case{"olmoe-bf16", "olmoe", {0, 1}}, Case{"qwen2-dense-bf16", "qwen2_moe", {1, 3}},
                    Case{"qwen3-dense-f32", "qwen3_moe", {0, 2}}, Case{"deepseek-bf16", "deepseek", {1, 2}},
                    Case{"deepseek-v2-bf16", "deepseek_v2", {0, 1}}, Case{"phimoe-bf16", "phimoe", {0, 1}},
                    Case{"gpt-oss-mxfp4", "gpt_oss", {0, 1}}),
    [](auto const& parameter) { return parameter.param.family; });

TEST(LatentAttention, SaysInPlanWhatWholeKeysAndValuesTake) {
    TemporaryFolder const scene;
    scene.write("marks.csv", "layer,expert\n0,0\n");
    scene.write("job.toml", job_text("deepseek-v2-bf16", 1));
    expect_words(gatesweep(scene.path(), {"plan", "job.toml"}), ExitCode::ok,
                 {"whole ones of every head, 3.2 times their latents"});
}

TEST(LayersWithoutARouter, AreRefusedInSetsAndMarks) {
    TemporaryFolder const scene;
    scene.write("marks.csv", "layer,expert\n0,0\n");
    scene.write("job.toml", job_text("qwen3-dense-f32", 1));
    expect_words(gatesweep(scene.path(), {"run", "job.toml", "--out", "out"}), ExitCode::job,
                 {"no expert 1 in layer 1", "the model's layers 0 and 2 have experts"});
    scene.write("marks.csv", "layer,expert\n1,0\n");
    scene.write("job.toml", job_text("qwen3-dense-f32", 2));
    expect_words(gatesweep(scene.path(), {"run", "job.toml", "--out", "out"}), ExitCode::bad_data,
                 {"marks.csv", "expert 0 of layer 1", "the model's layers 0 and 2 have experts"});
}

TEST(Longrope, RepliesThatWouldPassTheLengthWhereTheRotationChangesAreRefused) {
    TemporaryFolder const scene;
    scene.write("marks.csv", "layer,expert\n0,0\n");
    std::string job = job_text("phimoe-long-f32", 1);
    std::string const few = "max_new_tokens = 6";
    job.replace(job.find(few), few.size(), "max_new_tokens = 100");
    scene.write("job.toml", job);
    expect_words(gatesweep(scene.path(), {"run", "job.toml", "--out", "out"}), ExitCode::job,
                 {"max_new_tokens = 100", "original_max_position_embeddings 100", "longrope"});
}

}  // namespace
}  // namespace gatesweep
