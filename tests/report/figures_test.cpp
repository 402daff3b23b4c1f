// Every figure against the tables that it is drawn from. Long: each kind of figure has its own cases.
#include "gatesweep/report/figures.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <sstream>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "report/report_test.h"
#include "report/xml_check.h"

namespace gatesweep {
namespace {

std::vector<std::string> const paper_figures = {"lab10_group_score_distribution",
                                                "lab10_group_cumulative_score",
                                                "lab12_group_layerwise_dominant_score",
                                                "lab12_group_layerwise_effective_experts",
                                                "lab17_group_gradient_score_distribution",
                                                "lab17_group_gradient_cumulative_score",
                                                "lab19_group_layerwise_dominant_gradient_score",
                                                "lab19_group_layerwise_effective_experts"};

// PATH set to something else while it lives.
class PathGuard {
public:
    explicit PathGuard(std::string const& path) : before_(std::getenv("PATH")) { ::setenv("PATH", path.c_str(), 1); }
    ~PathGuard() { ::setenv("PATH", before_.c_str(), 1); }

private:
    std::string before_;
};

class FiguresTest : public test::ReportTest {
protected:
    std::filesystem::path file(std::string const& name) const { return folder() / "figures" / name; }

    std::map<std::string, std::string> all_files() const {
        std::map<std::string, std::string> files;
        for (auto const& entry : std::filesystem::directory_iterator(folder() / "figures")) {
            files[entry.path().filename().string()] = read_file(entry.path());
        }
        return files;
    }

    // A program named gnuplot that does what `script` says; returns the folder it lies in.
    std::string fake_gnuplot(std::string const& script) const {
        auto const program = folder() / "bin/gnuplot";
        test::write_text(program, "#!/bin/sh\n" + script);
        ::chmod(program.c_str(), 0755);
        return program.parent_path().string();
    }
};

TEST_F(FiguresTest, DrawsEveryFigureFourTimes) {
    test::SyntheticSpec spec;
    spec.marked = {{1, 2}};
    make(spec);
    draw_figures(folder());
    std::vector<std::string> names = paper_figures;
    for (auto const* name :
         {"heatmap_activation_benign", "heatmap_activation_harmful", "heatmap_gradient_benign",
          "heatmap_gradient_harmful", "heatmap_activation_gap", "heatmap_gradient_gap", "heatmap_gradient_share_benign",
          "heatmap_gradient_share_harmful", "heatmap_gradient_share_gap", "gradient_share_distribution",
          "gradient_share_cumulative", "gradient_share_dominant", "gradient_share_effective_experts"}) {
        names.emplace_back(name);
    }
    for (auto const& name : names) {
        EXPECT_EQ(test::xml_fault(read_file(file(name + ".svg"))), "") << name;
        EXPECT_EQ(read_file(file(name + ".pdf")).substr(0, 5), "%PDF-") << name;
        EXPECT_NE(read_file(file(name + ".gp")).find("set output 'figures/" + name + ".svg'"), std::string::npos);
        EXPECT_GT(std::filesystem::file_size(file(name + ".dat")), 0U);
    }
    EXPECT_EQ(all_files().size(), 4 * names.size());
}

TEST_F(FiguresTest, IsTheSameTwice) {
    make({});
    draw_figures(folder());
    auto const first = all_files();
    ::sleep(1);  // the time that cairo writes into a PDF has passed on
    draw_figures(folder());
    EXPECT_EQ(first, all_files());
}

TEST_F(FiguresTest, ScriptsRunAgainByHand) {
    make({});
    draw_figures(folder());
    std::string const before = read_file(file("lab10_group_cumulative_score.svg"));
    std::filesystem::remove(file("lab10_group_cumulative_score.svg"));
    ASSERT_EQ(
        std::system(("cd '" + folder().string() + "' && gnuplot figures/lab10_group_cumulative_score.gp").c_str()), 0);
    EXPECT_EQ(before, read_file(file("lab10_group_cumulative_score.svg")));
}

TEST_F(FiguresTest, DrawsTheSortedScoresAndTheirShares) {
    make({});
    draw_figures(folder());
    CsvTable const scores = read_csv(folder() / "tables/expert_scores.csv");
    for (auto const& [signal, lab] :
         {std::pair{"activation", "lab10_group_"}, std::pair{"gradient", "lab17_group_gradient_"}}) {
        std::vector<double> expected;
        for (std::size_t row = 0; row < scores.rows.size(); ++row) {
            if (scores.text(row, "signal") == signal && scores.text(row, "group") == "harmful")
                expected.push_back(scores.number(row, "mean"));
        }
        std::sort(expected.rbegin(), expected.rend());
        std::istringstream sorted(read_file(file(std::string(lab) + "score_distribution.dat")));
        std::istringstream shares(read_file(file(std::string(lab) + "cumulative_score.dat")));
        std::string line;
        std::getline(sorted, line);
        EXPECT_EQ(line, "# x benign harmful");
        std::getline(shares, line);
        double const total = std::accumulate(expected.begin(), expected.end(), 0.0);
        double sum = 0.0;
        double last = 0.0;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            std::size_t rank = 0;
            double benign = 0.0;
            double harmful = 0.0;
            sorted >> rank >> benign >> harmful;
            EXPECT_EQ(rank, i + 1);
            EXPECT_DOUBLE_EQ(harmful, expected[i]);
            shares >> rank >> benign >> last;
            sum += expected[i];
            EXPECT_NEAR(last, sum / total, 1e-12);
        }
        EXPECT_NEAR(last, 1.0, 1e-12);
    }
}

TEST_F(FiguresTest, CoverageLevelsAndCountsAreInTheFigure) {
    make({});
    replace("job.toml", "coverage = [0.8, 0.9, 0.95]", "coverage = [0.8, 0.9, 0.95, 0.5]");
    draw_figures(folder());
    std::string const svg = read_file(file("lab10_group_cumulative_score.svg"));
    CsvTable const coverage = read_csv(folder() / "tables/coverage.csv");
    for (auto const* level : {"50 %", "80 %", "90 %", "95 %"})
        EXPECT_NE(svg.find(level), std::string::npos) << level;
    std::size_t num_found = 0;
    for (std::size_t row = 0; row < coverage.rows.size(); ++row) {
        if (coverage.text(row, "signal") != "activation" || coverage.text(row, "level") != "group") continue;
        std::string const key =
            coverage.text(row, "group") + ": k80 " + coverage.text(row, "k80") + ", k90 " + coverage.text(row, "k90");
        EXPECT_NE(svg.find(key), std::string::npos) << key;
        ++num_found;
    }
    EXPECT_EQ(num_found, 2U);
}

TEST_F(FiguresTest, HeatmapsHoldTheMapsTheLongAxisAcross) {
    for (auto const& [layers, experts] : {std::pair{5, 3}, std::pair{3, 5}}) {
        test::SyntheticSpec spec;
        spec.num_layers = layers;
        spec.num_experts = experts;
        make(spec);
        draw_figures(folder());
        RunView const run = read_run(folder());
        std::istringstream data(read_file(file("heatmap_gradient_gap.dat")));
        for (int row = 0; row < 3; ++row) {
            for (int column = 0; column < 5; ++column) {
                double value = 0.0;
                ASSERT_TRUE(data >> value);
                int const layer = layers == 5 ? column : row;
                int const expert = layers == 5 ? row : column;
                EXPECT_DOUBLE_EQ(value, run.classes[1].gap[static_cast<std::size_t>(layer * experts + expert)]);
            }
        }
    }
}

TEST_F(FiguresTest, OddGroupNamesAreTextOnly) {
    test::SyntheticSpec spec;
    spec.groups = {
        "be<n>ign \"x\" `touch pwned`", "it's @GPVAL_VERSION {/Bold b} \\n %d", "A/b", "a b", "gap", "бета\n\x02"};
    make(spec);
    draw_figures(folder());
    EXPECT_FALSE(std::filesystem::exists(folder() / "pwned"));
    EXPECT_FALSE(std::filesystem::exists("pwned"));
    std::string const svg = read_file(file("lab12_group_layerwise_dominant_score.svg"));
    EXPECT_EQ(test::xml_fault(svg), "");
    EXPECT_NE(svg.find("be&lt;n>ign \"x\" `touch pwned`"), std::string::npos);
    EXPECT_NE(svg.find("it's @GPVAL_VERSION {/Bold b} \\n"), std::string::npos);
    EXPECT_NE(svg.find("бета"), std::string::npos);
    for (auto const* name :
         {"heatmap_activation_be_n_ign_x_touch_pwned_", "heatmap_activation_it_s_gpval_version_bold_b_n_d",
          "heatmap_activation_a_b", "heatmap_activation_a_b-2", "heatmap_activation_gap", "heatmap_activation_gap-2",
          "heatmap_activation__"}) {
        EXPECT_TRUE(std::filesystem::exists(file(std::string(name) + ".svg"))) << name;
    }
    for (auto const& [name, bytes] : all_files()) {
        EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-."), std::string::npos) << name;
    }
}

TEST_F(FiguresTest, MarkedExpertsAreFramed) {
    make({});
    draw_figures(folder());
    std::string const plain = read_file(file("heatmap_activation_gap.gp"));
    EXPECT_EQ(plain.find("fs empty"), std::string::npos);
    test::SyntheticSpec spec;
    spec.num_layers = 5;
    spec.marked = {{4, 2}};
    make(spec);
    draw_figures(folder());
    EXPECT_NE(read_file(file("heatmap_activation_gap.gp")).find("from 3.5,1.5 to 4.5,2.5 front fs empty"),
              std::string::npos);
}

TEST_F(FiguresTest, ZeroAndMissingScoresDoNotStopTheDrawing) {
    make({});
    // No gradient anywhere, and one class without a number.
    std::string text = read_file(folder() / "tables/expert_scores.csv");
    std::string out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("gradient")) {
            std::size_t const std_comma = line.rfind(',');
            line = line.substr(0, line.rfind(',', std_comma - 1)) + ",0,0";
        }
        out += line + "\n";
    }
    test::write_text(folder() / "tables/expert_scores.csv", out);
    CsvTable classes = read_csv(folder() / "tables/classes_gradient.csv");
    for (auto& row : classes.rows)
        row[4] = "0";
    classes.rows[0][4] = "nan";
    test::write_text(folder() / "tables/classes_gradient.csv", to_csv(classes));
    CsvTable layers = read_csv(folder() / "tables/layers.csv");
    for (auto& row : layers.rows)
        row[8] = "nan";
    test::write_text(folder() / "tables/layers.csv", to_csv(layers));
    draw_figures(folder());
    for (auto const* name : {"heatmap_gradient_benign", "heatmap_gradient_gap", "lab17_group_gradient_cumulative_score",
                             "lab19_group_layerwise_effective_experts"}) {
        EXPECT_EQ(test::xml_fault(read_file(file(std::string(name) + ".svg"))), "") << name;
    }
}

TEST_F(FiguresTest, OneLayerOfOneExpertIsDrawn) {
    test::SyntheticSpec spec;
    spec.num_layers = 1;
    spec.num_experts = 2;
    spec.top_k = 1;
    make(spec);
    draw_figures(folder());
    EXPECT_EQ(test::xml_fault(read_file(file("heatmap_activation_gap.svg"))), "");
}

TEST_F(FiguresTest, LayersWithoutAGroupAreAnError) {
    make({});
    CsvTable layers = read_csv(folder() / "tables/layers.csv");
    std::erase_if(layers.rows,
                  [](auto const& row) { return row[0] == "gradient" && row[2] == "harmful" && row[3] == "2"; });
    test::write_text(folder() / "tables/layers.csv", to_csv(layers));
    try {
        draw_figures(folder());
        FAIL() << "no error";
    } catch (Error const& error) {
        EXPECT_EQ(error.code(), ExitCode::bad_data);
        EXPECT_NE(std::string(error.what()).find("tables/layers.csv: 3 rows for gradient"), std::string::npos)
            << error.what();
    }
}

TEST_F(FiguresTest, WithoutGnuplotOnlyScriptsAreWritten) {
    make({});
    draw_figures(folder());
    std::filesystem::create_directories(folder() / "empty");
    {
        PathGuard const path((folder() / "empty").string());
        draw_figures(folder());
    }
    EXPECT_TRUE(std::filesystem::exists(file("lab10_group_cumulative_score.gp")));
    EXPECT_FALSE(std::filesystem::exists(file("lab10_group_cumulative_score.svg")));  // the old one would be stale
    EXPECT_FALSE(std::filesystem::exists(file("lab10_group_cumulative_score.pdf")));
}

TEST_F(FiguresTest, AFailingGnuplotIsAnErrorThatQuotesIt) {
    make({});
    std::string const bin = fake_gnuplot("echo 'line 3: undefined variable: foo' >&2\nexit 1\n");
    PathGuard const path(bin + ":/usr/bin:/bin");
    try {
        draw_figures(folder());
        FAIL() << "no error";
    } catch (Error const& error) {
        EXPECT_EQ(error.code(), ExitCode::io);
        std::string const text = error.what();
        EXPECT_NE(text.find("figures/lab10_group_score_distribution.gp"), std::string::npos) << text;
        EXPECT_NE(text.find("line 3: undefined variable: foo"), std::string::npos) << text;
    }
}

TEST_F(FiguresTest, AKilledOrTalkativeGnuplotDoesNotHang) {
    make({});
    std::string const bin = fake_gnuplot("yes 'something long is said here' | head -c 3000000 >&2\nkill -9 $$\n");
    PathGuard const path(bin + ":/usr/bin:/bin");
    EXPECT_THROW(draw_figures(folder()), Error);
}

}  // namespace
}  // namespace gatesweep
