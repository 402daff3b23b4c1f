#include "gatesweep/report/html.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/report/figures.h"
#include "report/report_test.h"
#include "report/xml_check.h"

namespace gatesweep {
namespace {

std::set<std::string> const void_elements = {"meta", "br", "input"};

std::string escaped(std::string const& text) {
    std::string out;
    for (char const c : text) {
        if (c == '&') {
            out += "&amp;";
        } else if (c == '<') {
            out += "&lt;";
        } else if (c == '>') {
            out += "&gt;";
        } else if (c == '"') {
            out += "&quot;";
        } else if (c == '\'') {
            out += "&#39;";
        } else {
            out += c;
        }
    }
    return out;
}

class HtmlTest : public test::ReportTest {
protected:
    std::string page() const {
        write_report_html(folder());
        return read_file(folder() / "report.html");
    }
};

bool holds(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

TEST_F(HtmlTest, IsOneWellFormedPageThatAsksForNothing) {
    test::SyntheticSpec spec;
    spec.marked = {{1, 2}};
    make(spec);
    draw_figures(folder());
    std::string const html = page();
    EXPECT_EQ(test::xml_fault(html, void_elements), "");
    EXPECT_TRUE(holds(html, "default-src 'none'"));
    for (auto const* outside :
         {" src=", "url(http", "@import", "href=\"http", "href='http", "<link", "<iframe", "<img"}) {
        EXPECT_FALSE(holds(html, outside)) << outside;
    }
}

TEST_F(HtmlTest, IdsAreUniqueAndLinksLeadSomewhere) {
    make({});
    draw_figures(folder());
    std::string const html = page();
    std::set<std::string> ids;
    for (char const quote : {'"', '\''}) {
        std::string const key = std::string(" id=") + quote;
        for (std::size_t at = html.find(key); at != std::string::npos; at = html.find(key, at + 1)) {
            std::size_t const start = at + key.size();
            std::string const id = html.substr(start, html.find(quote, start) - start);
            EXPECT_TRUE(ids.insert(id).second) << id;
        }
    }
    EXPECT_GT(ids.size(), 8U * 10U);  // those of eight figures among them
    std::size_t num_links = 0;
    for (std::string const key : {"href=\"#", "href='#"}) {
        for (std::size_t at = html.find(key); at != std::string::npos; at = html.find(key, at + 1), ++num_links) {
            std::size_t const start = at + key.size();
            EXPECT_TRUE(ids.contains(html.substr(start, html.find(key[5], start) - start)));
        }
    }
    EXPECT_GT(num_links, 20U);
}

TEST_F(HtmlTest, EveryRowOfEveryTableIsInThePage) {
    test::SyntheticSpec spec;
    spec.groups = {"be<n>ign \"x\"", "har,m&ful</pre>", "near"};
    spec.marked = {{0, 0}, {3, 3}};
    make(spec);
    test::write_text(folder() / "tables/unknown_to_this_version.csv", "a,b\n<1>,\"2,\"\"3\"\n");
    std::string const html = page();
    std::size_t num_tables = 0;
    for (auto const& entry : std::filesystem::directory_iterator(folder() / "tables")) {
        EXPECT_TRUE(holds(html, escaped(read_file(entry.path())))) << entry.path();
        ++num_tables;
    }
    EXPECT_EQ(num_tables, 12U);
}

TEST_F(HtmlTest, UserTextIsEscapedEverywhere) {
    test::SyntheticSpec spec;
    spec.groups = {"be<n>ign \"x\"", "</script><script>alert(1)</script>", "x' onload='alert(2)"};
    spec.marked = {{0, 0}};
    make(spec);
    replace("job.toml", "[model]", "[report]\ntitle = \"<q>T</q> & \\\"q\\\"\"\n[model]");
    replace("job.toml", "/models/made-up", "/models/<i>m</i>");
    test::write_text(
        folder() / "manifest.json",
        R"({"tool":"gatesweep","version":"<u>0</u>","host":"h'<\"","command":["a","<c>"],"versions":{"<k>":"<v>"},)"
        R"("files":{"tables/<f>.csv":"00"},"attempts":[{"<a>":"<z>"}]})");
    draw_figures(folder());
    std::string const html = page();
    EXPECT_EQ(test::xml_fault(html, void_elements), "");
    for (auto const* raw : {"<n>", "<script>alert", "<q>T", "<i>m", "<u>0", "<c>", "<k>", "<v>", "<f>", "<a>", "<z>"}) {
        EXPECT_FALSE(holds(html, raw)) << raw;
    }
    // Quotes may stand in text as they are, but not in a tag, where they would end an attribute.
    for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
        EXPECT_FALSE(holds(html.substr(at, html.find('>', at) - at), "' onload='"));
    }
    EXPECT_TRUE(holds(html, "<title>&lt;q&gt;T&lt;/q&gt; &amp; &quot;q&quot; - routing report</title>"));
    EXPECT_TRUE(holds(html, "be&lt;n&gt;ign &quot;x&quot;"));
    EXPECT_TRUE(holds(html, "&lt;c&gt;"));
}

TEST_F(HtmlTest, BytesThatAreNotUtf8AreReplaced) {
    make({});
    replace("tables/prompts.csv", ",p0,", ",p\xff\x01\xc3,");
    EXPECT_TRUE(holds(page(), ",p\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD,"));
}

TEST_F(HtmlTest, ShowsMarkedExpertsOnlyWhereThereAreAny) {
    make({});
    std::string const without = page();
    EXPECT_FALSE(holds(without, "id=\"marked\""));
    EXPECT_FALSE(holds(without, "class=\"frame\""));
    test::SyntheticSpec spec;
    spec.marked = {{1, 2}, {3, 0}};
    make(spec);
    std::string const with = page();
    EXPECT_TRUE(holds(with, "id=\"marked\""));
    EXPECT_TRUE(holds(with, "Marked experts by gradient share"));
    // Framed in all nine maps: layers run across, so x is the layer.
    std::size_t num_frames = 0;
    for (std::size_t at = with.find("class=\"frame\" x=\"3\" y=\"0\""); at != std::string::npos; ++num_frames) {
        at = with.find("class=\"frame\" x=\"3\" y=\"0\"", at + 1);
    }
    EXPECT_EQ(num_frames, 9U);
}

TEST_F(HtmlTest, HeatmapsCoverEveryCellOnce) {
    for (auto const& [layers, experts] : {std::pair{4, 3}, std::pair{3, 7}, std::pair{6, 6}}) {
        test::SyntheticSpec spec;
        spec.num_layers = layers;
        spec.num_experts = experts;
        make(spec);
        std::string const html = page();
        std::size_t num_maps = 0;
        for (std::size_t map = html.find("<g class=\"cells\""); map != std::string::npos;
             map = html.find("<g class=\"cells\"", map + 1)) {
            std::string const cells = html.substr(map, html.find("<rect", map) - map);
            long area = 0;  // every run of cells is "h<length>v1"
            for (std::size_t at = cells.find('h'); at != std::string::npos; at = cells.find('h', at + 1)) {
                if (std::isdigit(static_cast<unsigned char>(cells[at + 1])) != 0)
                    area += std::stol(cells.substr(at + 1));
            }
            EXPECT_EQ(area, layers * experts);
            ++num_maps;
        }
        EXPECT_EQ(num_maps, 9U);
    }
}

TEST_F(HtmlTest, WarnsOfFewPromptsAndUnevenLengths) {
    make({});  // the second group is longer by four tokens, six prompts each
    std::string const html = page();
    EXPECT_TRUE(holds(html, "Fewer than 30 in a group"));
    EXPECT_TRUE(holds(html, "differ in length by more than 10 %"));
    EXPECT_TRUE(holds(html, "<b>Topic.</b>"));
    CsvTable prompts = read_csv(folder() / "tables/prompts.csv");
    for (auto& row : prompts.rows)
        row[3] = "20";
    test::write_text(folder() / "tables/prompts.csv", to_csv(prompts));
    std::string const even = page();
    EXPECT_FALSE(holds(even, "differ in length by more than 10 %"));
    EXPECT_TRUE(holds(even, "a ratio of 1."));
}

TEST_F(HtmlTest, SaysWhatWasNotRecordedAndWhatWasNotDrawn) {
    make({});
    std::string const html = page();
    EXPECT_TRUE(holds(html, "not recorded"));
    EXPECT_TRUE(holds(html, "Not drawn: gnuplot was not found"));
    draw_figures(folder());
    EXPECT_FALSE(holds(page(), "Not drawn"));
}

TEST_F(HtmlTest, ShowsTheManifestAndTimings) {
    make({});
    test::write_text(
        folder() / "manifest.json",
        R"({"schema_version":1,"tool":"gatesweep","version":"0.1.0","numerics_id":"cpu-abc","host":"node7",)"
        R"("digests":{"job":"d1","prompts":"d2","weights":"d3"},)"
        R"("layout":{"ranks":4,"copies":2,"expert_parallel":2,"threads":1,"device":"cpu","dtype":"float32"},)"
        R"("attempts":[{"started":"t0","outcome":"stopped"},{"started":"t1","outcome":"complete"}],)"
        R"("files":{"tables/layers.csv":"feed"}})");
    test::write_text(folder() / "timings.csv",
                     "phase,seconds,tokens,tokens_per_second\nsignals,2.5,1000,400\nreport,0.1,,\n");
    std::string const html = page();
    for (auto const* part : {"4 ranks = 2 copies of the model x expert parallel 2; cpu, float32, threads per rank: 1",
                             "cpu-abc", "node7", "d1", "d2", "d3", "stopped", "complete", "feed", "signals", "400"}) {
        EXPECT_TRUE(holds(html, part)) << part;
    }
}

TEST_F(HtmlTest, TolerantOfAManifestOfOddKindsButNotOfNoJson) {
    make({});
    test::write_text(folder() / "manifest.json",
                     R"({"layout":3,"attempts":"x","files":[1],"digests":null,"command":{"a":1}})");
    EXPECT_TRUE(holds(page(), "not recorded"));
    test::write_text(folder() / "manifest.json", R"({"layout":)");
    try {
        page();
        FAIL() << "no error";
    } catch (Error const& error) {
        EXPECT_EQ(error.code(), ExitCode::bad_data);
        EXPECT_TRUE(holds(error.what(), "manifest.json"));
    }
}

TEST_F(HtmlTest, MapsAllNineteenLabs) {
    make({});
    std::string const html = page();
    std::string const labs = html.substr(html.find("id=\"labs\""));
    for (int lab = 1; lab <= 19; ++lab)
        EXPECT_TRUE(holds(labs, "<tr><td>" + std::to_string(lab) + "</td>")) << lab;
}

TEST_F(HtmlTest, NumbersThatAreNoneAreShownAsSuch) {
    make({});
    CsvTable classes = read_csv(folder() / "tables/classes_activation.csv");
    classes.rows[5][4] = "nan";
    classes.rows[5][6] = "uncertain";
    test::write_text(folder() / "tables/classes_activation.csv", to_csv(classes));
    CsvTable prompts = read_csv(folder() / "tables/prompts.csv");
    for (auto& row : prompts.rows)
        row[4] = "nan";  // prompts of one token
    test::write_text(folder() / "tables/prompts.csv", to_csv(prompts));
    std::string const html = page();
    EXPECT_TRUE(holds(html, "<td class=\"n\">n/a</td>"));
    EXPECT_EQ(test::xml_fault(html, void_elements), "");
}

TEST_F(HtmlTest, ALargeModelStaysSmall) {
    test::SyntheticSpec spec;
    spec.num_layers = 48;
    spec.num_experts = 128;
    spec.top_k = 8;
    spec.prompts_per_group = 3;
    make(spec);
    EXPECT_LT(page().size(), 6U << 20);
}

struct Box {
    double left, right, top, bottom;
    bool meets(Box const& o) const { return left < o.right && o.left < right && top < o.bottom && o.top < bottom; }
};

// Of the numbers along both axes of the first map, a digit 7 wide and 9 high.
std::vector<Box> label_boxes(std::string const& html) {
    std::string const map = html.substr(html.find("<figure class=\"map\""));
    std::string const svg = map.substr(0, map.find("</svg>"));
    std::regex const label("<text x=\"([0-9.]+)\" y=\"([0-9.]+)\" text-anchor=\"(middle|end)\">([0-9]+)</text>");
    std::vector<Box> boxes;
    for (auto it = std::sregex_iterator(svg.begin(), svg.end(), label); it != std::sregex_iterator(); ++it) {
        double const x = std::stod((*it)[1]), y = std::stod((*it)[2]),
                     width = 7.0 * static_cast<double>((*it)[4].length());
        double const left = (*it)[3] == "end" ? x - width : x - width / 2;
        boxes.push_back({left, left + width, y - 9.0, y});
    }
    return boxes;
}

TEST_F(HtmlTest, LabelsOfMapsLieApartAndInside) {
    for (auto const& [layers, experts] : {std::pair{8, 8}, {16, 64}, {48, 128}, {128, 48}, {27, 64}}) {
        test::SyntheticSpec spec;
        spec.num_layers = layers;
        spec.num_experts = experts;
        spec.prompts_per_group = 2;
        make(spec);
        auto const boxes = label_boxes(page());
        EXPECT_GE(boxes.size(), 16U);
        for (std::size_t i = 0; i < boxes.size(); ++i) {
            EXPECT_GE(boxes[i].top, 0.0) << layers << " x " << experts;
            EXPECT_GE(boxes[i].left, 0.0) << layers << " x " << experts;
            for (std::size_t j = 0; j < i; ++j)
                EXPECT_FALSE(boxes[i].meets(boxes[j])) << layers << " x " << experts << ": labels " << j << ", " << i;
        }
    }
}

TEST_F(HtmlTest, AMissingTableIsNamed) {
    make({});
    std::filesystem::remove(folder() / "tables/overlap.csv");
    try {
        page();
        FAIL() << "no error";
    } catch (Error const& error) {
        EXPECT_EQ(error.code(), ExitCode::input_missing);
        EXPECT_TRUE(holds(error.what(), "tables/overlap.csv"));
    }
    EXPECT_FALSE(std::filesystem::exists(folder() / "report.html"));
}

}  // namespace
}  // namespace gatesweep
