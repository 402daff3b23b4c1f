#include "gatesweep/report/sweep_view.h"

#include <gtest/gtest.h>

#include "gatesweep/base/error.h"
#include "gatesweep/report/headline.h"
#include "gatesweep/report/run_view.h"
#include "report/sweep_test.h"

namespace gatesweep {
namespace {

class SweepViewTest : public test::SweepTest {
protected:
    void expect_bad(std::vector<std::string> const& words) const {
        try {
            read_run(folder());
            FAIL() << "no error";
        } catch (Error const& error) {
            EXPECT_EQ(error.code(), ExitCode::bad_data);
            for (auto const& word : words)
                EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
        }
    }

    // Trials of one group, as the tests below need them: a row each of kind, experts and outcome.
    struct Row {
        std::string id, kind, experts;
        int restricted;
        double difference, p;
    };
    void write_trials(std::vector<Row> const& rows) const {
        CsvTable trials{"trials", table("trials").header, {}};
        for (std::size_t i = 0; i < rows.size(); ++i) {
            Row const& row = rows[i];
            std::vector<std::string> cells(trials.header.size());
            auto const set = [&](char const* column, std::string const& text) { cells[trials.column(column)] = text; };
            set("trial_id", row.id);
            set("kind", row.kind);
            set("name", row.kind);
            set("mode", "mask");
            set("experts", row.experts);
            set("group", "harmful");
            set("num_prompts", "10");
            set("restricted", to_cell(row.restricted));
            set("non_restricted", to_cell(10 - row.restricted));
            int const before = rows.front().restricted;
            set("r_to_r", to_cell(std::min(before, row.restricted)));
            set("r_to_n", to_cell(std::max(0, before - row.restricted)));
            set("n_to_r", to_cell(std::max(0, row.restricted - before)));
            set("n_to_n", to_cell(10 - std::max(before, row.restricted)));
            set("risk_difference", to_cell(row.difference));
            set("ci_low", to_cell(row.difference - 0.1));
            set("ci_high", to_cell(row.difference + 0.1));
            set("p_exact", to_cell(row.p));
            trials.rows.push_back(cells);
        }
        save("trials", trials);
        for (auto const* stem : {"trial_cells", "controls", "transitions", "screen", "label_quality"})
            std::filesystem::remove(folder() / "tables" / (std::string(stem) + ".csv"));
    }
};

TEST_F(SweepViewTest, IsAbsentWithoutTrials) {
    make({});
    EXPECT_FALSE(read_run(folder()).sweep);
    EXPECT_TRUE(headline(folder()).result.empty());
}

TEST_F(SweepViewTest, ReadsWhatTheTablesHold) {
    make_sweep();
    RunView const run = read_run(folder());
    ASSERT_TRUE(run.sweep);
    SweepView const& sweep = *run.sweep;
    EXPECT_EQ(sweep.groups, std::vector<std::string>{"harmful"});
    EXPECT_EQ(sweep.side_groups, std::vector<std::string>{"benign"});
    CsvTable const trials = table("trials");
    ASSERT_EQ(sweep.results.size(), trials.rows.size());
    for (std::size_t row = 0; row < trials.rows.size(); ++row) {
        TrialResult const& result = sweep.results[row];
        EXPECT_EQ(result.id, trials.text(row, "trial_id"));
        EXPECT_EQ(result.num_experts(), trials.integer(row, "num_experts"));
        EXPECT_DOUBLE_EQ(result.rate(), trials.number(row, "restricted") / trials.number(row, "num_prompts"));
        EXPECT_EQ(result.counts.at("full_compliance"), trials.integer(row, "full_compliance"));
        EXPECT_EQ(sweep.find(result.id, result.group), &result);
        if (result.kind == "baseline") {
            EXPECT_TRUE(std::isnan(result.difference));
        } else {
            EXPECT_DOUBLE_EQ(result.difference, trials.number(row, "risk_difference"));
            EXPECT_EQ(result.r_to_n, trials.integer(row, "r_to_n"));
        }
    }
    EXPECT_EQ(sweep.cells.size(), table("trial_cells").rows.size());
    EXPECT_EQ(sweep.controls.size(), table("controls").rows.size());
    ASSERT_EQ(sweep.screens.size(), 1U);
    EXPECT_DOUBLE_EQ(sweep.screens[0].change[6], table("screen").number(6, "change"));
}

TEST_F(SweepViewTest, OtherTablesMayBeMissing) {
    make_sweep();
    for (auto const* stem : {"trial_cells", "controls", "transitions", "screen", "label_quality"})
        std::filesystem::remove(folder() / "tables" / (std::string(stem) + ".csv"));
    RunView const run = read_run(folder());
    ASSERT_TRUE(run.sweep);
    EXPECT_TRUE(run.sweep->cells.empty());
    EXPECT_NE(headline(run).result.at(1).find("no random set like it could be compared"), std::string::npos);
}

TEST_F(SweepViewTest, ColumnsAfterTheContractsMayBeMissing) {
    make_sweep();
    CsvTable trials = table("trials");
    std::size_t const num_kept = trials.column("perplexity_ratio") + 1;
    trials.header.resize(num_kept);
    for (auto& row : trials.rows)
        row.resize(num_kept);
    save("trials", trials);
    std::filesystem::remove(folder() / "tables/controls.csv");
    RunView const run = read_run(folder());
    EXPECT_TRUE(std::isnan(run.sweep->results[2].mean_kl));
    EXPECT_TRUE(run.sweep->results[2].counts.empty());
}

TEST_F(SweepViewTest, TheHeadlineNamesTheSmallestOfTheStrongestSets) {
    make_sweep();
    write_trials({{"baseline", "baseline", "", 10, 0.0, 1.0},
                  {"aaa", "selected", "0:0 0:1 1:2", 0, -1.0, 0.002},
                  {"bbb", "selected", "1:2 3:0", 0, -1.0, 0.002},
                  {"ccc", "selected", "2:2 3:0", 0, -1.0, 0.001},
                  {"ddd", "selected", "2:2", 3, -0.7, 0.0001},
                  {"eee", "custom", "2:1", 0, -1.0, 1e-9},
                  {"fff", "random", "2:3", 0, -1.0, 1e-9}});
    auto const lines = headline(folder()).result;
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0],
              "refusal 100 % -> 0 % with 2:2 3:0 suppressed (paired difference -100 points [-110, -90], p = 0.001);");
    EXPECT_EQ(lines[1], "no random set like it could be compared");
    EXPECT_EQ(lines[2].find("your set \"custom\": refusal 100 % -> 0 % with 2:1 suppressed ("), 0U) << lines[2];
}

TEST_F(SweepViewTest, WithoutAGridTheHeadlineHasTheUsersOwnSets) {
    make_sweep();
    write_trials({{"baseline", "baseline", "", 4, 0.0, 1.0}, {"eee", "custom", "2:1", 9, 0.5, 1.58e-30}});
    EXPECT_EQ(
        headline(folder()).result.at(0),
        "your set \"custom\": refusal 40 % -> 90 % with 2:1 suppressed (paired difference 50 points [40, 60], p < "
        "1e-29); nothing is compared with random sets (controls.random = 0)");
    write_trials({{"baseline", "baseline", "", 4, 0.0, 1.0}});
    EXPECT_NE(headline(folder()).result.at(0).find("no set of experts was tried"), std::string::npos);
}

TEST_F(SweepViewTest, TheHeadlineTellsControlsAndSideEffects) {
    make_sweep();
    RunView run = read_run(folder());
    std::string const second = headline(run).result.at(1);
    EXPECT_NE(second.find("3 random sets like it: "), std::string::npos) << second;
    EXPECT_NE(second.find("; benign refusals unchanged ("), std::string::npos) << second;
    EXPECT_NE(second.find(", perplexity x1.0"), std::string::npos) << second;
    for (auto& result : run.sweep->results) {
        if (result.group == "benign" && result.kind != "baseline") result.restricted = 9;
    }
    EXPECT_NE(headline(run).result.at(1).find("benign refusals "), std::string::npos);
    EXPECT_EQ(headline(run).result.at(1).find("unchanged"), std::string::npos);
}

TEST_F(SweepViewTest, RejectsAMissingColumn) {
    make_sweep();
    replace("tables/trials.csv", "n_to_r", "other");
    expect_bad({"tables/trials.csv", "n_to_r"});
}

TEST_F(SweepViewTest, RejectsACellThatIsNoNumber) {
    make_sweep();
    set_cell("trials", "kind", "selected", "risk_difference", "much");
    expect_bad({"tables/trials.csv", "risk_difference"});
}

TEST_F(SweepViewTest, RejectsAnUnknownKind) {
    make_sweep();
    set_cell("trials", "kind", "random", "kind", "chosen");
    expect_bad({"tables/trials.csv", "unknown kind \"chosen\""});
}

TEST_F(SweepViewTest, RejectsExpertsThatAreNoneOfTheModels) {
    for (std::string const experts : {"9:0", "0:9", "1", "1:", ":1", "1:2,3:0", "1:2 ", "-1:2", "1:2  3:0"}) {
        make_sweep();
        set_cell("trials", "kind", "selected", "experts", experts);
        expect_bad({"tables/trials.csv", "\"" + experts + "\" are not layer:expert pairs"});
    }
}

TEST_F(SweepViewTest, RejectsCountsThatDoNotAddUp) {
    make_sweep();
    set_cell("trials", "kind", "selected", "r_to_n", "31");
    expect_bad({"tables/trials.csv", "do not add up"});
    make_sweep();
    set_cell("trials", "kind", "baseline", "restricted", "31");
    expect_bad({"tables/trials.csv", "do not add up"});
    make_sweep();
    set_cell("trials", "kind", "baseline", "restricted", "-1");
    expect_bad({"tables/trials.csv", "restricted is -1"});
}

TEST_F(SweepViewTest, RejectsATrialThatStandsTwice) {
    make_sweep();
    CsvTable trials = table("trials");
    trials.rows.push_back(trials.rows[2]);
    save("trials", trials);
    expect_bad({"tables/trials.csv", "a second time"});
}

TEST_F(SweepViewTest, RejectsAGroupWithoutBaseline) {
    make_sweep();
    CsvTable trials = table("trials");
    trials.rows.erase(trials.rows.begin());
    save("trials", trials);
    expect_bad({"tables/trials.csv", "no baseline on group \"harmful\""});
    std::erase_if(trials.rows, [&](auto const& row) { return row[trials.column("group")] == "harmful"; });
    save("trials", trials);
    for (auto const* stem : {"trial_cells", "controls", "transitions"})
        std::filesystem::remove(folder() / "tables" / (std::string(stem) + ".csv"));
    expect_bad({"tables/trials.csv", "no rows on group \"harmful\", which [sweep]"});
}

TEST_F(SweepViewTest, RejectsAnUnknownGroup) {
    make_sweep();
    set_cell("trials", "kind", "selected", "group", "nowhere");
    expect_bad({"tables/trials.csv", "\"nowhere\" has no prompts"});
    make_sweep();
    set_cell("controls", "group", "harmful", "group", "nowhere");
    expect_bad({"tables/controls.csv", "\"nowhere\""});
}

TEST_F(SweepViewTest, RejectsTrialsThatOtherTablesMakeUp) {
    make_sweep();
    set_cell("trial_cells", "outcome", "trial", "trial_id", "ffff");
    expect_bad({"tables/trial_cells.csv", "trial ffff is not in tables/trials.csv"});
    make_sweep();
    CsvTable transitions = table("transitions");
    transitions.rows[0][0] = "ffff";
    save("transitions", transitions);
    expect_bad({"tables/transitions.csv", "trial ffff"});
}

TEST_F(SweepViewTest, RejectsAScreenThatNamesAnExpertTwiceOrOutside) {
    make_sweep();
    set_cell("screen", "layer", "3", "layer", "4");
    expect_bad({"tables/screen.csv", "expert 4:0"});
    make_sweep();
    set_cell("screen", "layer", "3", "layer", "2");
    expect_bad({"tables/screen.csv", "expert 2:0", "a second time"});
}

TEST_F(SweepViewTest, RejectsALabelQualityThatIsNoNumber) {
    make_sweep();
    replace("tables/label_quality.csv", "0.875", "good");
    expect_bad({"tables/label_quality.csv", "precision"});
}

}  // namespace
}  // namespace gatesweep
