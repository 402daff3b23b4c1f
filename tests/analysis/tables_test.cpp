#include "gatesweep/analysis/tables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "analysis/random_input.h"
#include "gatesweep/analysis/stored_signals.h"
#include "gatesweep/base/file.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

// Two prompts a group, two layers of two experts, one expert per token: every number can be followed.
AnalysisInput hand_made() {
    AnalysisInput input;
    input.prompt_ids = {"b0", "h0", "b1", "h1"};
    input.groups = {"benign", "harmful", "benign", "harmful"};
    input.num_tokens = {4, 4, 2, 8};
    input.losses = {1, 2, 3, 4.5};
    input.activation_counts = NdArray<std::int64_t>({4, 2, 2});
    input.activation_counts.values = {4, 0, 2, 2, 1, 3, 2, 2, 1, 1, 2, 0, 2, 6, 4, 4};
    input.gradient_scores = NdArray<double>({4, 2, 2});
    input.gradient_scores.values = {1, 0, 2, 2, 1, 3, 2, 4, 3, 1, 4, 0, 3, 5, 2, 6};
    input.parameters.top = 2;
    input.parameters.limits(SignalKind::activation) = {0.125, 0.3};
    input.parameters.limits(SignalKind::gradient) = {0.5, 2.5};
    input.parameters.coverage = {0.5, 0.975};
    return input;
}

std::string rows_of(CsvTable table, std::string const& start) {
    std::string text;
    for (auto const& row : table.rows) {
        CsvTable one;
        one.header = row;
        std::string const line = to_csv(one);
        if (line.starts_with(start)) text += line;
    }
    return text;
}

TEST(Tables, ByHand) {
    auto const input = hand_made();
    auto const result = analyze(input);
    EXPECT_EQ(rows_of(expert_scores_table(result), "activation,harmful"),
              "activation,harmful,0,0,0.25,0\nactivation,harmful,0,1,0.75,0\nactivation,harmful,1,0,0.5,0\nactivation,"
              "harmful,1,1,0.5,0\n");
    EXPECT_EQ(rows_of(top_experts_table(result, 2), "activation"),
              "activation,benign,1,0,0,0.75,0.75,0.375\nactivation,benign,2,1,0,0.75,1.5,0.75\n"
              "activation,harmful,1,0,1,0.75,0.75,0.375\nactivation,harmful,2,1,0,0.5,1.25,0.625\n");
    auto const coverage = coverage_table(result);
    EXPECT_EQ(coverage.header, (std::vector<std::string>{"signal", "level", "group", "prompt_index", "k80", "k90",
                                                         "k95", "k_elbow", "top1", "top5", "k50", "k97.5"}));
    EXPECT_EQ(rows_of(coverage, "activation,prompt,benign"),
              "activation,prompt,benign,0,3,3,3,1,1,2,1,3\nactivation,prompt,benign,2,3,3,3,1,1,2,1,3\n");
    EXPECT_EQ(rows_of(coverage, "activation,group,benign"), "activation,group,benign,,3,4,4,2,0.75,2,2,4\n");
    EXPECT_EQ(rows_of(coverage, "activation,prompt_mean,benign"), "activation,prompt_mean,benign,,3,3,3,1,1,2,1,3\n");
    EXPECT_EQ(rows_of(layers_table(result), "gradient,of_mean_map,benign,0,0,2,1,0.50040"),
              "gradient,of_mean_map,benign,0,0,2,1,0.5004024235381879,1.6493848884661177,2\n");
    EXPECT_EQ(to_csv(classes_table(result.of(SignalKind::activation))),
              "layer,expert,benign_avg_score,malicious_avg_score,safety_gap,abs_gap,label\n"
              "0,0,0.75,0.25,-0.5,0.5,benign-dominant\n0,1,0.25,0.75,0.5,0.5,malicious-dominant\n"
              "1,0,0.75,0.5,-0.25,0.25,benign-dominant\n1,1,0.25,0.5,0.25,0.25,malicious-dominant\n");
    EXPECT_EQ(to_csv(class_counts_table(result)),
              "signal,label,count\nactivation,malicious-dominant,2\nactivation,weak-malicious,0\nactivation,benign-"
              "dominant,2\n"
              "activation,weak-benign,0\nactivation,shared,0\nactivation,uncertain,0\ngradient,malicious-dominant,2\n"
              "gradient,weak-malicious,0\ngradient,benign-dominant,1\ngradient,weak-benign,0\ngradient,shared,"
              "1\ngradient,uncertain,0\n"
              "gradient_share,malicious-dominant,2\ngradient_share,weak-malicious,0\n"
              "gradient_share,benign-dominant,2\ngradient_share,weak-benign,0\ngradient_share,shared,0\n"
              "gradient_share,uncertain,0\n");
    EXPECT_EQ(to_csv(overlap_table(result, 2)),
              "signal,top_n,overlap,experts\nactivation,2,1,1:0\ngradient,2,0,\ngradient_share,2,0,\n");
    EXPECT_EQ(
        rows_of(top_frequency_table(result), "activation,benign"),
        "activation,benign,0,0,2,1\nactivation,benign,0,1,0,0\nactivation,benign,1,0,2,1\nactivation,benign,1,1,0,0\n");
    EXPECT_EQ(rows_of(threshold_sensitivity_table(result), "activation,0.25"),
              "activation,0.25,0.3,malicious-dominant,2\nactivation,0.25,0.3,weak-malicious,0\nactivation,0.25,0.3,"
              "benign-dominant,2\n"
              "activation,0.25,0.3,weak-benign,0\nactivation,0.25,0.3,shared,0\nactivation,0.25,0.3,uncertain,0\n");
    EXPECT_EQ(rows_of(layer_summary_table(result), "activation,of_mean_map,benign,late,1,1,0.75,0.75,1,1,"),
              rows_of(layer_summary_table(result), "activation,of_mean_map,benign,late"));
}

TEST(Tables, AreByteIdenticalAndListed) {
    TemporaryFolder const scratch;
    std::mt19937_64 random(81);
    auto const input =
        test::random_input({4, 8, 2, test::mixed_groups({{"benign", 6}, {"harmful", 6}}, random)}, random);
    std::map<std::string, std::string> digests;
    for (char const* name : {"a", "b"}) {
        RunDirectory run(scratch / name);
        write_tables(input, analyze(input), run);
        if (digests.empty()) digests = run.files();
        EXPECT_EQ(run.files(), digests);
    }
    std::vector<std::string> names;
    for (auto const& [path, digest] : digests)
        names.push_back(path);
    EXPECT_EQ(names, (std::vector<std::string>{
                         "tables/class_counts.csv", "tables/classes_activation.csv", "tables/classes_gradient.csv",
                         "tables/classes_gradient_share.csv", "tables/coverage.csv", "tables/expert_scores.csv",
                         "tables/layer_summary.csv", "tables/layers.csv", "tables/overlap.csv", "tables/prompts.csv",
                         "tables/threshold_sensitivity.csv", "tables/top_experts.csv", "tables/top_frequency.csv"}));
}

TEST(Tables, AreTheSameFromStoredSignals) {
    TemporaryFolder const scratch;
    auto input = hand_made();
    std::map<std::string, std::string> digests;
    {
        RunDirectory run(scratch / "run");
        write_signals(input, run);
        write_tables(input, analyze(input), run);
        digests = run.files();
    }
    auto stored = read_signals(scratch / "run");
    stored.parameters = input.parameters;
    RunDirectory run(scratch / "run");
    write_tables(stored, analyze(stored), run);
    for (auto const& [path, digest] : run.files())
        EXPECT_EQ(digests.at(path), digest) << path;
}

TEST(Tables, MarkedExpertsAppearAndDisappearWithTheMarks) {
    TemporaryFolder const scratch;
    RunDirectory run(scratch / "run");
    auto input = hand_made();
    input.marks = {{1, 1}};
    auto const path = scratch / "run/tables/marked_experts.csv";
    write_tables(input, analyze(input), run);
    EXPECT_EQ(read_file(path),
              "signal,layer,expert,benign_mean,malicious_mean,gap,rank_by_abs_gap,label\n"
              "activation,1,1,0.25,0.5,0.25,4,malicious-dominant\ngradient,1,1,1,5,4,1,malicious-dominant\n"
              "gradient_share,1,1,0.25,0.7083333333333333,0.45833333333333326,4,malicious-dominant\n");
    input.marks.clear();
    write_tables(input, analyze(input), run);
    EXPECT_FALSE(std::filesystem::exists(path));
}

// Where some layers have no router, everything is as without those layers, but under the names of decoder layers.
TEST(Tables, NameDecoderLayers) {
    AnalysisInput input = hand_made();
    std::vector<CsvTable> const rows = signal_tables(input, analyze(input));
    input.moe_layers = MoeLayers({1, 4});
    input.marks = {{4, 1}, {1, 0}};
    AnalysisResult const result = analyze(input);
    std::vector<CsvTable> named = signal_tables(input, result);
    EXPECT_EQ(to_string(result.of(SignalKind::activation).overlap), "4:0");
    EXPECT_EQ(result.marked.at(0).benign_mean, result.of(SignalKind::activation).classes.at(3).benign);
    EXPECT_EQ(result.marked.at(1).benign_mean, result.of(SignalKind::activation).classes.at(0).benign);
    for (std::size_t t = 0; t < rows.size(); ++t) {
        if (rows[t].name == "overlap") continue;  // lists of experts
        for (std::size_t row = 0; row < rows[t].rows.size(); ++row) {
            for (std::size_t c = 0; c < rows[t].header.size(); ++c) {
                std::string const& column = rows[t].header[c];
                std::string expected = rows[t].rows[row][c];
                if (column == "layer" || column.ends_with("_layer")) expected = expected == "0" ? "1" : "4";
                EXPECT_EQ(named[t].rows.at(row).at(c), expected) << rows[t].name << " " << column;
            }
        }
    }
    input.marks = {{0, 1}};
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "0:1", "layers 1 and 4 have experts, 2 each");
    input.marks = {};
    input.moe_layers = MoeLayers({1, 4, 5});
    EXPECT_ERROR(analyze(input), ExitCode::bad_data, "3 layers with a router");
}

TEST(MoeLayers, TellRowsFromLayers) {
    MoeLayers const every, some({0, 2, 5}), first({0, 1, 2});
    EXPECT_EQ(first, every);
    EXPECT_TRUE(every.has(2, 3));
    EXPECT_FALSE(every.has(3, 3));
    EXPECT_FALSE(every.has(-1, 3));
    for (std::int64_t row = 0; row < 3; ++row)
        EXPECT_EQ(some.row(some.layer(row)), row);
    EXPECT_EQ(some.layer(2), 5);
    for (std::int64_t layer : {-1, 1, 3, 4, 6})
        EXPECT_FALSE(some.has(layer, 3)) << layer;
    EXPECT_EQ(every.words(32, 8), "the model has 32 layers of 8 experts, counted from 0");
    EXPECT_EQ(some.words(3, 4), "of the model's layers 0, 2 and 5 have experts, 4 each, counted from 0");
    EXPECT_EQ(MoeLayers({3}).words(1, 4), "of the model's layers only 3 has experts, 4 of them, counted from 0");
}

}  // namespace
}  // namespace gatesweep
