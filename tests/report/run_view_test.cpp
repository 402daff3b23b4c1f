#include "gatesweep/report/run_view.h"

#include <gtest/gtest.h>

#include <functional>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/report/headline.h"
#include "report/report_test.h"

namespace gatesweep {
namespace {

class RunViewTest : public test::ReportTest {
protected:
    // The code and text of the error that reading the folder ends in.
    std::pair<ExitCode, std::string> error_of_reading() const {
        try {
            read_run(folder());
        } catch (Error const& error) {
            return {error.code(), error.what()};
        }
        return {ExitCode::ok, ""};
    }

    void expect_bad(std::vector<std::string> const& words) const {
        auto const [code, text] = error_of_reading();
        EXPECT_EQ(code, ExitCode::bad_data) << text;
        for (auto const& word : words)
            EXPECT_NE(text.find(word), std::string::npos) << word << " in: " << text;
    }
};

TEST_F(RunViewTest, ReadsRolesShapeAndMaps) {
    test::SyntheticSpec spec;
    spec.num_layers = 3;
    spec.num_experts = 5;
    spec.groups = {"safe", "unsafe", "near miss"};
    spec.marked = {{2, 4}, {0, 1}};
    make(spec);
    RunView const run = read_run(folder());
    EXPECT_EQ(run.groups, spec.groups);
    EXPECT_EQ(run.num_layers, 3);
    EXPECT_EQ(run.num_experts, 5);
    EXPECT_EQ(run.maps.size(), 9U);
    EXPECT_EQ(run.coverage_columns(), (std::vector<std::string>{"k80", "k90", "k95"}));
    ASSERT_EQ(run.marked.size(), 2U);
    EXPECT_EQ(to_string(run.marked[0]), "2:4");
    // The gap table and the maps of the two roles agree, so the roles are not swapped.
    auto const& benign = run.find_map("activation", "safe")->mean;
    auto const& malicious = run.find_map("activation", "unsafe")->mean;
    for (std::size_t i = 0; i < benign.size(); ++i)
        EXPECT_NEAR(run.classes[0].gap[i], malicious[i] - benign[i], 1e-15);
    EXPECT_EQ(run.find_map("activation", "absent"), nullptr);
}

TEST_F(RunViewTest, TitleIsTheJobsOrTheFolders) {
    make({});
    EXPECT_EQ(read_run(folder()).title(), folder().filename().string());
    EXPECT_EQ(read_run(folder() / "").title(), folder().filename().string());
    replace("job.toml", "[model]", "[report]\ntitle = \"Pilot\"\n[model]");
    EXPECT_EQ(read_run(folder()).title(), "Pilot");
}

TEST_F(RunViewTest, ReadsTablesItDoesNotKnow) {
    make({});
    test::write_text(folder() / "tables/extra.csv", "a,b\n1,2\n");
    EXPECT_EQ(read_run(folder()).table("extra").rows.size(), 1U);
}

TEST_F(RunViewTest, NamesAMissingFile) {
    for (auto const* file :
         {"job.toml", "tables/prompts.csv", "tables/expert_scores.csv", "tables/coverage.csv", "tables/layers.csv",
          "tables/classes_gradient.csv", "tables/class_counts.csv", "tables/overlap.csv", "tables/top_experts.csv"}) {
        make({});
        std::filesystem::remove(folder() / file);
        auto const [code, text] = error_of_reading();
        EXPECT_EQ(code, ExitCode::input_missing) << file;
        EXPECT_NE(text.find(file), std::string::npos) << text;
    }
}

TEST_F(RunViewTest, RejectsAMissingColumn) {
    make({});
    replace("tables/layers.csv", "effective_experts", "effective");
    expect_bad({"tables/layers.csv", "effective_experts"});
}

TEST_F(RunViewTest, RejectsACellThatIsNoNumber) {
    make({});
    replace("tables/prompts.csv", "0,p0,benign,", "0,p0,benign,many");
    expect_bad({"tables/prompts.csv", "num_tokens"});
}

TEST_F(RunViewTest, RejectsAnExpertThatIsMissing) {
    make({});
    std::string text = read_file(folder() / "tables/expert_scores.csv");
    text.resize(text.rfind('\n', text.size() - 2) + 1);
    test::write_text(folder() / "tables/expert_scores.csv", text);
    expect_bad({"tables/expert_scores.csv", "no row for gradient", "harmful", "3:3"});
}

TEST_F(RunViewTest, RejectsAnExpertListedTwice) {
    make({});
    replace("tables/expert_scores.csv", "activation,benign,0,1,", "activation,benign,0,0,");
    expect_bad({"tables/expert_scores.csv", "0:0", "second time"});
}

TEST_F(RunViewTest, RejectsAnExpertOutsideTheModel) {
    make({});
    replace("tables/classes_gradient.csv", "\n3,3,", "\n3,9,");
    expect_bad({"tables/classes_gradient.csv", "3:9", "outside"});
    replace("tables/classes_gradient.csv", "\n3,9,", "\n-1,3,");
    expect_bad({"-1:3", "outside"});
}

TEST_F(RunViewTest, RejectsClassesThatDoNotCoverTheModel) {
    make({});
    replace("tables/classes_activation.csv", "\n3,3,", "\n3,900000000000,");
    expect_bad({"tables/classes_activation.csv", "16 rows"});
    test::write_text(folder() / "tables/classes_activation.csv",
                     "layer,expert,benign_avg_score,malicious_avg_score,safety_gap,abs_gap,label\n");
    expect_bad({"tables/classes_activation.csv", "0 rows"});
}

TEST_F(RunViewTest, RejectsARoleWithoutPrompts) {
    make({});
    replace("job.toml", "malicious = \"harmful\"", "malicious = \"har\x01mful\"");
    expect_bad({"job.toml"});  // TOML allows no control characters
    replace("job.toml", "har\x01mful", "nobody");
    expect_bad({"tables/prompts.csv", "\"nobody\"", "job.toml"});
}

TEST_F(RunViewTest, RejectsAJobThatIsNotToml) {
    make({});
    test::write_text(folder() / "job.toml", "[analysis\nbenign = 3\n");
    expect_bad({"job.toml", "line 1"});
}

using HeadlineTest = test::ReportTest;

TEST_F(HeadlineTest, SaysClassesAndOverlap) {
    make({});
    test::write_text(
        folder() / "tables/class_counts.csv",
        "signal,label,count\nactivation,malicious-dominant,5\nactivation,benign-dominant,0\nactivation,shared,59\n"
        "gradient,malicious-dominant,3\ngradient,benign-dominant,2\ngradient,shared,59\n");
    test::write_text(folder() / "tables/overlap.csv",
                     "signal,top_n,overlap,experts\nactivation,10,4,\ngradient,10,6,\n");
    Headline const lines = headline(folder());
    EXPECT_EQ(
        lines.analysis,
        "activation: 5 malicious-dominant, 0 benign-dominant, 59 shared; gradient: 3 / 2 / 59; top-10 overlap 4 and 6");
    EXPECT_EQ(lines.marked, "");
}

TEST_F(HeadlineTest, NamesRareClassesWhereThereAreAny) {
    make({});
    test::write_text(
        folder() / "tables/class_counts.csv",
        "signal,label,count\nactivation,malicious-dominant,1\nactivation,weak-benign,2\nactivation,shared,13\n"
        "gradient,shared,15\ngradient,uncertain,1\n");
    EXPECT_EQ(headline(folder()).analysis.substr(0, 120),
              std::string("activation: 1 malicious-dominant, 0 benign-dominant, 13 shared, 2 weak-benign; gradient: 0 "
                          "/ 0 / 15 / 1 uncertain; "
                          "top-10 overlap")
                  .substr(0, 120));
}

TEST_F(HeadlineTest, RanksMarkedExpertsInTheirOrder) {
    test::SyntheticSpec spec;
    spec.marked = {{1, 2}, {0, 3}};
    make(spec);
    test::write_text(
        folder() / "tables/marked_experts.csv",
        "signal,layer,expert,benign_mean,malicious_mean,gap,rank_by_abs_gap,label\n"
        "activation,1,2,0.1,0.2,0.1,2,malicious-dominant\nactivation,0,3,0.1,0.3,0.2,1,malicious-dominant\n"
        "gradient,1,2,0,0,0,9,shared\ngradient,0,3,0,0,0,16,shared\n"
        "gradient_share,1,2,0,0,0,1,\ngradient_share,0,3,0,0,0,2,\n");
    EXPECT_EQ(headline(folder()).marked,
              "marked experts: ranks 2 1 of 16 by activation gap, 9 16 by raw gradient, 1 2 by gradient share");
}

}  // namespace
}  // namespace gatesweep
