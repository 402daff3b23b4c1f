#include "gatesweep/analysis/stored_signals.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "analysis/random_input.h"
#include "gatesweep/base/file.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

AnalysisInput example() {
    std::mt19937_64 random(51);
    auto input = test::random_input(
        {3, 4, 2, test::mixed_groups({{"benign", 3}, {"a \"strange\", group\n", 2}}, random)}, random);
    input.losses[1] = std::numeric_limits<double>::quiet_NaN();
    return input;
}

TEST(StoredSignals, ComeBackAsTheyWere) {
    TemporaryFolder const scratch;
    auto const input = example();
    RunDirectory run(scratch / "run");
    write_signals(input, run);
    EXPECT_EQ(run.files().size(), 3u);
    auto const back = read_signals(scratch / "run");
    EXPECT_EQ(back.prompt_ids, input.prompt_ids);
    EXPECT_EQ(back.groups, input.groups);
    EXPECT_EQ(back.num_tokens, input.num_tokens);
    EXPECT_EQ(back.activation_counts.values, input.activation_counts.values);
    EXPECT_EQ(back.gradient_scores.values, input.gradient_scores.values);
    EXPECT_EQ(back.gradient_scores.shape, input.gradient_scores.shape);
    for (std::size_t p = 0; p < input.losses.size(); ++p) {
        EXPECT_TRUE(back.losses[p] == input.losses[p] || (p == 1 && std::isnan(back.losses[p])));
    }
}

TEST(StoredSignals, PromptsTableByHand) {
    AnalysisInput input;
    input.prompt_ids = {"p0", "p,1"};
    input.groups = {"benign", "harmful"};
    input.num_tokens = {7, 1};
    input.losses = {2.5, std::numeric_limits<double>::quiet_NaN()};
    EXPECT_EQ(to_csv(prompts_table(input)),
              "prompt_index,prompt_id,group,num_tokens,loss\n0,p0,benign,7,2.5\n1,\"p,1\",harmful,1,nan\n");
}

TEST(StoredSignals, FilesThatDoNotBelongTogetherAreRefused) {
    TemporaryFolder const scratch;
    auto const folder = scratch / "run";
    EXPECT_ERROR(read_signals(folder), ExitCode::input_missing, "activation_counts.npy");
    auto const input = example();
    RunDirectory run(folder);
    write_signals(input, run);
    auto table = prompts_table(input);
    table.rows.pop_back();
    run.write_table("prompts", table);
    EXPECT_ERROR(read_signals(folder), ExitCode::bad_data, "prompts.csv", "4 prompts", "(5, 3, 4)");
    table = prompts_table(input);
    std::swap(table.rows[1], table.rows[2]);
    run.write_table("prompts", table);
    EXPECT_ERROR(read_signals(folder), ExitCode::bad_data, "prompts.csv", "row 2 is prompt 2");
    run.write_table("prompts", prompts_table(input));
    run.write_array("activation_counts", input.gradient_scores);
    EXPECT_ERROR(read_signals(folder), ExitCode::bad_data, "activation_counts.npy", "'<f8' where '<i8' belongs");
    run.write_array("activation_counts", NdArray<std::int64_t>({5, 3}, 1));
    EXPECT_ERROR(read_signals(folder), ExitCode::bad_data, "(5, 3)");
    write_signals(input, run);
    run.write_array("gradient_scores", NdArray<double>({5, 4, 3}, 1.0));
    EXPECT_ERROR(read_signals(folder), ExitCode::bad_data, "gradient_scores.npy", "(5, 4, 3)", "(5, 3, 4)");
}

}  // namespace
}  // namespace gatesweep
