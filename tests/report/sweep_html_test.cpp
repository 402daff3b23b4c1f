#include <gtest/gtest.h>

#include <set>

#include "gatesweep/base/error.h"
#include "gatesweep/report/figures.h"
#include "gatesweep/report/html.h"
#include "report/sweep_test.h"
#include "report/xml_check.h"

namespace gatesweep {
namespace {

std::set<std::string> const void_elements = {"meta", "br", "input"};

class SweepHtmlTest : public test::SweepTest {
protected:
    std::string page() const {
        write_report_html(folder());
        return read_file(folder() / "report.html");
    }

    // The part of the page between a section's start and its end.
    std::string part(std::string const& html, std::string const& id) const {
        std::size_t const start = html.find("<section id=\"" + id + "\"");
        return start == std::string::npos ? "" : html.substr(start, html.find("</section>", start) - start);
    }
};

bool holds(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

std::vector<std::string> const sweep_sections = {"sweep", "doses",    "single", "transitions",
                                                 "side",  "examples", "trials", "grid"};

TEST_F(SweepHtmlTest, IsOneWellFormedPageWithEverySection) {
    make_sweep();
    draw_figures(folder());
    std::string const html = page();
    EXPECT_EQ(test::xml_fault(html, void_elements), "");
    for (auto const& id : sweep_sections) {
        EXPECT_FALSE(part(html, id).empty()) << id;
        EXPECT_TRUE(holds(html, "<a href=\"#" + id + "\">")) << id;
    }
    EXPECT_FALSE(holds(html, "Not drawn"));
    std::set<std::string> ids;
    for (std::size_t at = html.find(" id=\""); at != std::string::npos; at = html.find(" id=\"", at + 1)) {
        std::string const id = html.substr(at + 5, html.find('"', at + 5) - at - 5);
        EXPECT_TRUE(ids.insert(id).second) << id;
    }
}

TEST_F(SweepHtmlTest, ARunWithoutASweepLooksAsBefore) {
    make({});
    draw_figures(folder());
    std::string const before = page();
    for (auto const& id : sweep_sections)
        EXPECT_TRUE(part(before, id).empty()) << id;
    for (auto const* word : {"baseline", "#sweep", "suppress", "abeller"})
        EXPECT_FALSE(holds(before.substr(before.find("<body")), word)) << word;
    EXPECT_TRUE(holds(before, "which is not part of this report"));
}

TEST_F(SweepHtmlTest, SaysWhatTheStrongestSetDoes) {
    make_sweep();
    CsvTable const trials = table("trials");
    double largest = -1.0;
    std::size_t best = 0;
    std::int64_t fewest = 0;
    std::size_t num_selected = 0;
    for (std::size_t row = 0; row < trials.rows.size(); ++row) {
        if (trials.text(row, "kind") != "selected" || trials.text(row, "group") != "harmful") continue;
        ++num_selected;
        double const size = std::abs(trials.number(row, "risk_difference"));
        if (size < largest || (size == largest && trials.integer(row, "num_experts") >= fewest)) continue;
        largest = size;
        best = row;
        fewest = trials.integer(row, "num_experts");
    }
    std::string const text = part(page(), "sweep");
    EXPECT_TRUE(holds(text, trials.text(best, "experts")));
    EXPECT_TRUE(holds(text, trials.text(best, "r_to_n") + " prompts stopped being refused"));
    EXPECT_TRUE(holds(text, "counting all " + std::to_string(num_selected) + " selected sets"));
    EXPECT_TRUE(holds(text, "3 like it (as many experts"));
    EXPECT_TRUE(holds(text, "Side effects on"));
    EXPECT_TRUE(holds(text, "0 incoherent, 0 empty, 1 repetitive, 0 unscored"));
}

TEST_F(SweepHtmlTest, TransitionsHaveTheFormOfThePaper) {
    make_sweep();
    CsvTable const trials = table("trials");
    std::string const text = part(page(), "transitions");
    std::size_t num_found = 0;
    for (std::size_t row = 0; row < trials.rows.size(); ++row) {
        if (trials.text(row, "kind") != "selected" || trials.text(row, "group") != "harmful") continue;
        auto const cell = [&](char const* column) {
            return "<td class=\"n\" data-v=\"" + trials.text(row, column) + "\">" + trials.text(row, column) + "</td>";
        };
        num_found += holds(text, "<td class=\"word\">restricted</td>" + cell("r_to_r") + cell("r_to_n")) &&
                     holds(text, "<td class=\"word\">non-restricted</td>" + cell("n_to_r") + cell("n_to_n"));
    }
    EXPECT_GE(num_found, 2U);  // the strongest of both signals
    EXPECT_TRUE(holds(text, "then restricted"));
    EXPECT_TRUE(holds(text, "then full_compliance"));
}

TEST_F(SweepHtmlTest, LabellerErrorStandsWhereRatesDoOrItsAbsence) {
    make_sweep();
    std::string html = page();
    for (auto const* id : {"sweep", "doses", "single", "transitions", "side", "examples", "trials"}) {
        EXPECT_TRUE(holds(part(html, id), "87.5 %")) << id;  // precision
        EXPECT_TRUE(holds(part(html, id), "64.8 %")) << id;  // recall
    }
    std::filesystem::remove(folder() / "tables/label_quality.csv");
    html = page();
    EXPECT_TRUE(holds(part(html, "sweep"), "labeller's error was not measured"));
    EXPECT_TRUE(holds(part(html, "sweep"), "sweep.labels.validation"));
    EXPECT_TRUE(holds(part(html, "sweep"), "phrase rules miss most refusals of Mistral-like models"));
    EXPECT_TRUE(holds(part(html, "trials"), "labeller's error was not measured"));
    replace("job.toml", "method = \"phrases\"", "method = \"judge\"");
    html = page();
    EXPECT_FALSE(holds(part(html, "sweep"), "Mistral"));
    EXPECT_TRUE(holds(part(html, "sweep"), "a judge model"));
}

TEST_F(SweepHtmlTest, FiguresTakeThePagesColours) {
    make_sweep();
    draw_figures(folder());
    std::string const html = page();
    std::string const figures = part(html, "sweep") + part(html, "doses");
    EXPECT_TRUE(holds(figures, "var(--band)"));
    EXPECT_FALSE(holds(figures, "rgb(205, 210, 215)"));
    EXPECT_FALSE(holds(figures, "rgb(  0,   0,   0)"));  // would be black on a dark page
    EXPECT_FALSE(holds(figures, "rgb(0,0,0)"));
}

TEST_F(SweepHtmlTest, HostileTextIsEscaped) {
    test::SyntheticSpec run;
    run.groups = {"be<n>ign", "</section><script>alert(1)</script>"};
    test::SyntheticSweepSpec spec;
    spec.group = run.groups[1];
    spec.side_group = run.groups[0];
    spec.reply = "</pre><script>alert(2)</script> \"q\" & 'q' \xff";
    spec.answer = "<img src=x onerror=alert(3)> --> ]]>";
    make_sweep(spec, run);
    CsvTable trials = table("trials");
    for (auto& row : trials.rows) {
        if (row[trials.column("kind")] != "selected") continue;
        row[trials.column("signal")] = "<s>activation";
        row[trials.column("class")] = "<c>lass";
        row[trials.column("mode")] = "<m>ask";
    }
    trials.rows.back()[trials.column("name")] = "<name>";
    save("trials", trials);
    set_cell("trial_cells", "outcome", "refused: layer 1 would keep 1 of 4 experts, fewer than top-2", "outcome",
             "refused: <why>");
    replace("tables/label_quality.csv", "people.csv", "<people>");
    draw_figures(folder());
    std::string const completions = read_file(folder() / "completions.jsonl");
    // A byte that is no UTF-8 is no JSON either; the writer would have replaced it.
    std::string clean = completions;
    for (std::size_t at = clean.find('\xff'); at != std::string::npos; at = clean.find('\xff'))
        clean.replace(at, 1, "\\u0007");
    test::write_text(folder() / "completions.jsonl", clean);
    std::string const html = page();
    EXPECT_EQ(test::xml_fault(html, void_elements), "");
    for (auto const* raw :
         {"<script>alert", "<img", "<s>act", "<c>lass", "<m>ask", "<name>", "<why>", "<people>", "<n>"}) {
        EXPECT_FALSE(holds(html, raw)) << raw;
    }
    EXPECT_TRUE(holds(part(html, "examples"), "&lt;/pre&gt;&lt;script&gt;alert(2)"));
    EXPECT_TRUE(holds(part(html, "examples"), "&lt;img src=x"));
}

TEST_F(SweepHtmlTest, ExamplesAreTheFirstThatChangedAndDidNot) {
    make_sweep();
    std::string const text = part(page(), "examples");
    EXPECT_TRUE(holds(text, "Caution:"));
    EXPECT_TRUE(holds(text, "I can&#39;t help with that."));
    EXPECT_TRUE(holds(text, "Certainly: here is a poem."));
    EXPECT_TRUE(holds(text, "6 shown"));
    EXPECT_FALSE(holds(text, "<details class=\"examples\" open"));
    EXPECT_TRUE(holds(text, "Asked &lt;b&gt;so&lt;/b&gt;")) << "the baseline's line carries the prompt";
    std::filesystem::remove(folder() / "completions.jsonl");
    EXPECT_TRUE(part(page(), "examples").empty());
}

TEST_F(SweepHtmlTest, DamagedCompletionsAreNamedByLine) {
    auto const expect_bad = [&](std::string const& word) {
        try {
            page();
            FAIL() << "no error";
        } catch (Error const& error) {
            EXPECT_EQ(error.code(), ExitCode::bad_data);
            EXPECT_TRUE(holds(error.what(), "completions.jsonl")) << error.what();
            EXPECT_TRUE(holds(error.what(), word)) << error.what();
        }
    };
    make_sweep();
    std::string const good = read_file(folder() / "completions.jsonl");
    test::write_text(folder() / "completions.jsonl", "{\"trial_id\":\"baseline\",\n" + good);
    expect_bad("line 1: not a completion of a sweep");
    test::write_text(folder() / "completions.jsonl", good + "{\"trial_id\":\"base");
    expect_bad("was cut");
    test::write_text(folder() / "completions.jsonl", good + good);
    expect_bad("a second reply");
}

TEST_F(SweepHtmlTest, SaysWhyThereIsNoCurveAndNoSingleExpert) {
    test::SyntheticSweepSpec spec;
    spec.sizes = {2};
    spec.classes = {"malicious-dominant"};
    spec.thresholds = {{"activation", {0.05}}};
    spec.with_screen = false;
    make_sweep(spec);
    draw_figures(folder());
    std::string const html = page();
    EXPECT_TRUE(holds(part(html, "doses"), "No curve over set size"));
    EXPECT_TRUE(holds(part(html, "doses"), "No curve over the gap threshold of activation"));
    EXPECT_TRUE(holds(part(html, "single"), "No expert was edited alone"));
    EXPECT_FALSE(holds(html, "Not drawn"));
    EXPECT_EQ(test::xml_fault(html, void_elements), "");
}

TEST_F(SweepHtmlTest, CorrelatesTheScreenWithSingleExperts) {
    make_sweep();
    CsvTable screen = table("screen");
    CsvTable const trials = table("trials");
    for (auto& row : screen.rows) {
        row[screen.column("change")] = "";
        std::string const name = row[0] + ":" + row[1];
        for (std::size_t trial = 0; trial < trials.rows.size(); ++trial) {
            if (trials.text(trial, "experts") == name && trials.text(trial, "group") == "harmful")
                row[screen.column("change")] = fmt::format("{}", 3.0 * trials.number(trial, "risk_difference"));
        }
    }
    save("screen", screen);
    EXPECT_TRUE(holds(part(page(), "single"), "<b>1.00</b>"));
    for (auto& row : screen.rows) {
        if (!row[4].empty()) row[4] = row[4] == "0" ? "0" : row[4].substr(1);  // the sign turned round
    }
    save("screen", screen);
    EXPECT_TRUE(holds(part(page(), "single"), "<b>-1.00</b>"));
}

TEST_F(SweepHtmlTest, CountsTheGrid) {
    make_sweep();
    CsvTable const cells = table("trial_cells");
    std::int64_t num_trials = 0;
    std::int64_t num_merged = 0;
    for (std::size_t row = 0; row < cells.rows.size(); ++row) {
        num_trials += cells.text(row, "outcome") == "trial";
        num_merged += cells.text(row, "outcome").starts_with("same as");
    }
    std::string const text = part(page(), "grid");
    EXPECT_TRUE(holds(text, fmt::format("<b>{}</b> cells", cells.rows.size())));
    EXPECT_TRUE(holds(text, fmt::format("<b>{}</b> distinct sets", num_trials)));
    EXPECT_TRUE(holds(text, fmt::format("share its trial: {}.", num_merged)));
    EXPECT_TRUE(holds(text, "layer 1 would keep 1 of 4 experts"));
}

TEST_F(SweepHtmlTest, AHugeTableStaysUsable) {
    make_sweep();
    CsvTable trials = table("trials");
    std::vector<std::string> const pattern =
        *std::ranges::find_if(trials.rows, [&](auto const& row) { return row[trials.column("kind")] == "selected"; });
    for (int i = 0; i < 6000; ++i) {
        auto row = pattern;
        row[trials.column("trial_id")] = fmt::format("many{}", i);
        trials.rows.push_back(row);
    }
    save("trials", trials);
    std::string const html = page();
    EXPECT_LT(html.size(), 12U << 20);
    EXPECT_TRUE(holds(part(html, "trials"), "The 2,000 largest effects of"));
    EXPECT_EQ(test::xml_fault(html, void_elements), "");
}

}  // namespace
}  // namespace gatesweep
