#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "gatesweep/base/error.h"
#include "gatesweep/report/figures.h"
#include "report/sweep_test.h"
#include "report/xml_check.h"

namespace gatesweep {
namespace {

class SweepFiguresTest : public test::SweepTest {
protected:
    std::filesystem::path file(std::string const& name) const { return folder() / "figures" / name; }

    std::set<std::string> sweep_figures() const {
        std::set<std::string> names;
        for (auto const& entry : std::filesystem::directory_iterator(folder() / "figures")) {
            std::string const name = entry.path().stem().string();
            if (entry.path().extension() == ".svg" && (name.starts_with("sweep_") || name.starts_with("screen_")))
                names.insert(name);
        }
        return names;
    }

    std::vector<std::vector<std::string>> numbers(std::string const& name) const {
        std::vector<std::vector<std::string>> rows;
        std::istringstream lines(read_file(file(name + ".dat")));
        for (std::string line; std::getline(lines, line);) {
            if (line.empty() || line[0] == '#') continue;
            std::istringstream words(line);
            rows.emplace_back();
            for (std::string word; words >> word;)
                rows.back().push_back(word);
        }
        return rows;
    }
};

TEST_F(SweepFiguresTest, DrawsWhatTheSweepHas) {
    make_sweep();
    draw_figures(folder());
    EXPECT_EQ(sweep_figures(),
              (std::set<std::string>{"sweep_effects", "sweep_dose_size", "sweep_dose_threshold_activation",
                                     "sweep_dose_threshold_gradient", "sweep_side_effects",
                                     "sweep_side_effects_refusal", "screen_harmful"}));
    for (auto const& name : sweep_figures()) {
        EXPECT_EQ(test::xml_fault(read_file(file(name + ".svg"))), "") << name;
        EXPECT_EQ(read_file(file(name + ".pdf")).substr(0, 5), "%PDF-") << name;
    }
}

TEST_F(SweepFiguresTest, EffectsAreTheTablesInOrder) {
    make_sweep();
    draw_figures(folder());
    CsvTable const trials = table("trials");
    std::map<std::string, std::pair<double, std::string>> expected;  // difference and experts by id
    for (std::size_t row = 0; row < trials.rows.size(); ++row) {
        std::string const& kind = trials.text(row, "kind");
        if (trials.text(row, "group") == "harmful" && kind != "baseline" && kind != "random") {
            expected[trials.text(row, "trial_id")] = {trials.number(row, "risk_difference"),
                                                      trials.text(row, "num_experts")};
        }
    }
    CsvTable const controls = table("controls");
    double last = -1000.0;
    auto const rows = numbers("sweep_effects");
    EXPECT_EQ(rows.size(), expected.size());
    for (auto const& row : rows) {
        ASSERT_EQ(row.size(), 9U);
        auto const& [difference, num_experts] = expected.at(row[8]);
        EXPECT_NEAR(std::stod(row[1]), 100.0 * difference, 1e-9);
        EXPECT_GE(std::stod(row[1]), last);
        last = std::stod(row[1]);
        for (std::size_t band = 0; band < controls.rows.size(); ++band) {
            if (controls.text(band, "group") != "harmful" || controls.text(band, "num_experts") != num_experts)
                continue;
            EXPECT_NEAR(std::stod(row[4]), 100.0 * controls.number(band, "lowest_difference"), 1e-9);
            EXPECT_NEAR(std::stod(row[5]), 100.0 * controls.number(band, "mean_difference"), 1e-9);
            EXPECT_NEAR(std::stod(row[6]), 100.0 * controls.number(band, "highest_difference"), 1e-9);
        }
    }
}

TEST_F(SweepFiguresTest, AtMostFortyEffectsAndTheLargestAmongThem) {
    make_sweep();
    CsvTable trials = table("trials");
    std::vector<std::string> const pattern =
        *std::ranges::find_if(trials.rows, [&](auto const& row) { return row[trials.column("kind")] == "selected"; });
    for (int i = 0; i < 300; ++i) {
        auto row = pattern;
        row[trials.column("trial_id")] = fmt::format("many{}", i);
        row[trials.column("kind")] = i % 3 == 0 ? "reverse" : "selected";
        row[trials.column("risk_difference")] = fmt::format("{}", 0.001 * i);
        trials.rows.push_back(row);
    }
    save("trials", trials);
    draw_figures(folder());
    auto const rows = numbers("sweep_effects");
    ASSERT_EQ(rows.size(), 40U);
    EXPECT_EQ(rows.back()[8], "many299");
    EXPECT_EQ(std::ranges::count_if(rows, [](auto const& row) { return row[7] == "reverse"; }), 10);
}

TEST_F(SweepFiguresTest, CurvesFollowMergedCells) {
    make_sweep();
    draw_figures(folder());
    // Every cell of the grid is on a curve over sizes: the trial it came to stands there at its number of experts.
    std::set<std::pair<std::string, std::string>> places;
    for (auto const& row : numbers("sweep_dose_size")) {
        if (row.size() == 5) places.emplace(row[0], row[4]);
    }
    CsvTable const trials = table("trials");
    CsvTable const cells = table("trial_cells");
    std::size_t num_cells = 0;
    for (std::size_t cell = 0; cell < cells.rows.size(); ++cell) {
        std::string const& id = cells.text(cell, "trial_id");
        if (cells.text(cell, "kind") != "selected" || id.empty()) continue;
        for (std::size_t row = 0; row < trials.rows.size(); ++row) {
            if (trials.text(row, "trial_id") != id || trials.text(row, "group") != "harmful") continue;
            EXPECT_TRUE(places.contains({trials.text(row, "num_experts"), id})) << id;
            ++num_cells;
        }
    }
    EXPECT_GT(num_cells, 8U);
}

TEST_F(SweepFiguresTest, OneSizeAndOneThresholdMakeNoCurve) {
    test::SyntheticSweepSpec spec;
    make_sweep(spec);
    draw_figures(folder());
    spec.sizes = {2};
    spec.classes = {"malicious-dominant"};
    spec.thresholds = {{"activation", {0.05}}};
    spec.with_screen = false;
    make({});
    std::filesystem::create_directories(folder() / "figures");
    test::write_text(file("sweep_dose_size.svg"), "of an earlier report");
    test::SyntheticSpec run;
    run.marked = {{1, 2}, {3, 0}};
    test::SyntheticRun(folder(), run);
    spec.carriers = {{1, 2}, {3, 0}};
    test::SyntheticSweep(folder(), spec);
    draw_figures(folder());
    EXPECT_EQ(sweep_figures(),
              (std::set<std::string>{"sweep_effects", "sweep_side_effects", "sweep_side_effects_refusal"}));
}

TEST_F(SweepFiguresTest, OddNamesAreTextOnly) {
    test::SyntheticSpec run;
    run.groups = {"be<n>ign `touch pwned`", "har'm\" @x {/Bold b}"};
    test::SyntheticSweepSpec spec;
    spec.group = run.groups[1];
    spec.side_group = run.groups[0];
    make_sweep(spec, run);
    CsvTable trials = table("trials");
    for (auto& row : trials.rows) {
        if (row[trials.column("kind")] != "reverse" && row[trials.column("kind")] != "selected") continue;
        row[trials.column("kind")] = "custom";
        row[trials.column("name")] = "it's `touch pwned2` <b> \n\"%s\"";
    }
    save("trials", trials);
    draw_figures(folder());
    EXPECT_FALSE(std::filesystem::exists(folder() / "pwned"));
    EXPECT_FALSE(std::filesystem::exists(folder() / "pwned2"));
    std::string const svg = read_file(file("sweep_effects.svg"));
    EXPECT_EQ(test::xml_fault(svg), "");
    EXPECT_NE(svg.find("it's `touch pwned2`"), std::string::npos);
}

TEST_F(SweepFiguresTest, NothingMeasuredStopsNoDrawing) {
    make_sweep();
    CsvTable trials = table("trials");
    for (auto& row : trials.rows) {
        for (auto const* column : {"num_prompts", "restricted", "non_restricted", "r_to_r", "r_to_n", "n_to_r",
                                   "n_to_n", "risk_difference", "ci_low", "ci_high", "p_exact", "perplexity_ratio"}) {
            row[trials.column(column)] = "";
        }
    }
    save("trials", trials);
    draw_figures(folder());
    EXPECT_EQ(sweep_figures(), std::set<std::string>{"screen_harmful"});
}

TEST_F(SweepFiguresTest, ARunWithoutASweepHasNone) {
    make({});
    draw_figures(folder());
    EXPECT_TRUE(sweep_figures().empty());
}

}  // namespace
}  // namespace gatesweep
