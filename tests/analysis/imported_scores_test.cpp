// Tables of scores from elsewhere: SteerMoE's and plain ones, and what is refused of them.
#include "gatesweep/analysis/imported_scores.h"

#include <gtest/gtest.h>

#include "gatesweep/analysis/risk_difference.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

class ImportedScoresTest : public testing::Test {
protected:
    ScoreMap read(std::string const& text, std::int64_t layers = 1, std::int64_t experts = 2, MoeLayers moe = {}) {
        return read_imported_scores(folder_.write("table.csv", text), layers, experts, moe);
    }
    TemporaryFolder folder_;
};

std::string const published_header = "layer,expert,a1,a2,d1,d2,a1_n,a2_n,risk_diff,Layer_Expert,risk_diff_abs\n";

TEST_F(ImportedScoresTest, ReadsPublishedColumnsAndRecomputesThem) {
    std::string const table = published_header +
                              "0,1,3.0,1.0,1.0,3.0,0.75,0.25,0.5,L00 E01,0.5\n"
                              "0,0,1.0,3.0,3.0,1.0,0.25,0.75,-0.5,L00 E00,0.5\n";
    EXPECT_EQ(read(table).values, (std::vector<double>{-0.5, 0.5}));
    // Files with more columns, in another order, are read by their names.
    EXPECT_EQ(read("risk_diff,t_stat,d1,d2,a1,a2,expert,layer\n0.5,9,1,3,3,1,1,0\n-0.5,9,3,1,1,3,0,0\n").values,
              (std::vector<double>{-0.5, 0.5}));
    EXPECT_ERROR(read(published_header + "0,1,3.0,1.0,1.0,3.0,0.75,0.25,0.500000000002,L00 E01,0.5\n"),
                 ExitCode::bad_data, "row 1", "risk_diff", "its counts give 0.5");
    EXPECT_ERROR(read(published_header + "0,1,3.5,1.0,1.0,3.0,0.75,0.25,0.5,L00 E01,0.5\n"), ExitCode::bad_data,
                 "row 1", "a1");
}

TEST_F(ImportedScoresTest, ReadsOurOwnTableAgain) {
    PairInput input;
    input.names = {"a", "a"};
    input.counted = {{2, 3}, {4, 1}};
    input.counts = NdArray<std::int64_t>({2, 2, 1, 2});
    input.counts.values = {2, 0, 1, 2, 3, 1, 0, 1};
    CsvTable const table = risk_difference_table(input, {}, 10);
    EXPECT_EQ(read(to_csv(table)).values, pooled_differences(input, {{0, 1.0}, {1, 1.0}}));
}

TEST_F(ImportedScoresTest, ReadsPlainScoresByDecoderLayer) {
    EXPECT_EQ(read("layer,expert,score\n3,0,-2\n1,1,0.5\n1,0,1\n3,1,0", 2, 2, MoeLayers({1, 3})).values,
              (std::vector<double>{1, 0.5, -2, 0}));
}

TEST_F(ImportedScoresTest, RefusesWhatIsNoTableOfTheModel) {
    EXPECT_ERROR(read("layer,expert\n0,0\n0,1\n"), ExitCode::bad_data, "table.csv", "no column score");
    EXPECT_ERROR(read("expert,score\n0,0\n"), ExitCode::bad_data, "no column layer");
    EXPECT_ERROR(read("layer,expert,score\n0,0,1\n"), ExitCode::bad_data, "no score of expert 1 of layer 0");
    EXPECT_ERROR(read("layer,expert,score\n0,0,1\n0,2,1\n"), ExitCode::bad_data, "row 2", "no expert 2");
    EXPECT_ERROR(read("layer,expert,score\n0,0,1\n0,0,1\n"), ExitCode::bad_data, "row 2", "already");
    EXPECT_ERROR(read("layer,expert,score\n0,0,nan\n0,1,1\n"), ExitCode::bad_data, "row 1", "nan");
    EXPECT_ERROR(read("layer,expert,score\n0,0,1\n1,1,1\n"), ExitCode::bad_data, "row 2", "layer 1");
}

}  // namespace
}  // namespace gatesweep
