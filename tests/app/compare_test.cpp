// compare: its numbers on signals made by hand, and the command on runs.
#include "app/compare/compare_signals.h"

#include "app/stored_run_test.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

AnalysisInput input_of(std::vector<std::string> groups, std::vector<std::string> ids) {
    AnalysisInput input;
    auto const n = std::ssize(ids);
    input.groups = std::move(groups);
    input.prompt_ids = std::move(ids);
    input.num_tokens.assign(static_cast<std::size_t>(n), 4);
    input.losses.assign(static_cast<std::size_t>(n), 2.0);
    input.activation_counts = NdArray<std::int64_t>({n, 1, 4}, 2);
    input.gradient_scores = NdArray<double>({n, 1, 4});
    for (std::int64_t p = 0; p < n; ++p) {
        for (std::int64_t e = 0; e < 4; ++e)
            input.gradient_scores.at(p, 0, e) = static_cast<double>(e + 1);
    }
    return input;
}

TEST(MatchPrompts, GoesByGroupAndId) {
    AnalysisInput const a = input_of({"x", "x", "y", "y"}, {"1", "2", "1", "1"});
    AnalysisInput b = input_of({"y", "y", "x", "z"}, {"1", "1", "2", "1"});
    b.num_tokens[1] = 5;
    PromptMatch const match = match_prompts(a, b);
    EXPECT_EQ(match.rows, (std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 2}, {2, 0}}));
    EXPECT_EQ(match.only_first, std::vector<std::string>{"x 1"});
    EXPECT_EQ(match.only_second, std::vector<std::string>{"z 1"});
    EXPECT_EQ(match.num_other_tokens, 1) << "the second of y 1";
    EXPECT_FALSE(match.is_complete());
    EXPECT_TRUE(match_prompts(a, a).is_complete());
}

TEST(CompareSignals, CountsWhatMoved) {
    AnalysisInput const a = input_of({"x", "y"}, {"1", "2"});
    AnalysisInput b = input_of({"y", "x"}, {"2", "1"});
    EXPECT_TRUE(compare_signals(a, b, match_prompts(a, b)).is_equal());
    b.activation_counts.at(1, 0, 0) = 1;  // of prompt x 1: a slot went from expert 0 to 3
    b.activation_counts.at(1, 0, 3) = 3;
    b.gradient_scores.at(0, 0, 1) = 2.5;
    b.gradient_scores.at(0, 0, 0) = 3.5;
    SignalAgreement const s = compare_signals(a, b, match_prompts(a, b));
    EXPECT_EQ(s.num_cells, 8);
    EXPECT_EQ(s.equal_cells, 6);
    EXPECT_DOUBLE_EQ(s.difference.moved, 1.0 / 16);
    EXPECT_EQ(s.equal_scores, 6);
    EXPECT_DOUBLE_EQ(s.difference.scores, 2.5 / 4);
    EXPECT_FALSE(s.is_equal());
    ASSERT_EQ(s.rank_correlations.size(), 2u);
    EXPECT_EQ(s.rank_correlations[0].name, "x");
    EXPECT_DOUBLE_EQ(s.rank_correlations[0].gradient, 1.0);
    EXPECT_DOUBLE_EQ(s.rank_correlations[1].gradient, 0.4) << "ranks 1 2 3 4 and 3 1 2 4";
}

TEST(CompareSignals, ALossThatBothLackIsNoDifference) {
    AnalysisInput a = input_of({"x"}, {"1"});
    a.losses[0] = std::numeric_limits<double>::quiet_NaN();
    EXPECT_TRUE(compare_signals(a, a, match_prompts(a, a)).is_equal());
    AnalysisInput const b = input_of({"x"}, {"1"});
    EXPECT_FALSE(compare_signals(a, b, match_prompts(a, b)).is_equal());
}

using CompareRuns = StoredRun;

TEST_F(CompareRuns, FindsACopyIdentical) {
    expect(gatesweep({"compare", "whole", "out"}), ExitCode::ok,
           {"12 and 12, 12 in both", "768 of 768", "classes changed, activation", "verdict: identical"});
}

TEST_F(CompareRuns, ShowsAnotherLabelAndOtherTokens) {
    replace(out() / "completions.jsonl", "\"label\":\"full_refusal\"", "\"label\":\"full_compliance\"");
    replace(out() / "completions.jsonl", "\"token_ids\":[", "\"token_ids\":[7,");
    ChildResult const result = gatesweep({"compare", "whole", "out"});
    expect(result, ExitCode::ok,
           {"not as the second run wrote it", "1: completions.jsonl", "labels equal", "token ids equal",
            "verdict: the runs differ"});
}

TEST_F(CompareRuns, OfAnotherTypeOfWeightsDiffers) {
    ASSERT_EQ(
        gatesweep({"run", "job.toml", "--out", "half", "--set", "model.dtype=bfloat16", "--set", "sweep.enabled=false"})
            .exit_code,
        0);
    expect(gatesweep({"compare", "whole", "half"}), ExitCode::ok,
           {"rank correlation of means, harmful", "only the first has a sweep", "verdict: the runs differ"});
    fs::remove(out() / "tables" / "classes_gradient.csv");
    expect(gatesweep({"compare", "out", "half"}), ExitCode::ok,
           {"not compared: out/tables/classes_gradient.csv is not there"});
}

TEST_F(CompareRuns, RefusesADamagedSide) {
    expect(gatesweep({"compare", "whole", "nowhere"}), ExitCode::input_missing, {"nowhere"});
    expect(gatesweep({"compare", "whole"}), ExitCode::usage, {"second is required"});
    std::string const lines = read_file(out() / "completions.jsonl");
    write_file_atomically(out() / "completions.jsonl", lines.substr(0, lines.size() - 5));
    expect(gatesweep({"compare", "whole", "out"}), ExitCode::bad_data, {"completions.jsonl", "has no end"});
    write_file_atomically(out() / "completions.jsonl", "{\"trial_id\":3}\n");
    expect(gatesweep({"compare", "whole", "out"}), ExitCode::bad_data,
           {"completions.jsonl: line 1: not a completion of a sweep"});
}

}  // namespace
}  // namespace gatesweep
