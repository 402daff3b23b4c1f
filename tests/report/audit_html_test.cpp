// The report's section and figure of the audit, from tables that the analysis writes.
#include <gtest/gtest.h>

#include "gatesweep/analysis/audit_input.h"
#include "gatesweep/base/file.h"
#include "gatesweep/report/figures.h"
#include "gatesweep/report/html.h"
#include "gatesweep/store/table_catalogue.h"
#include "report/report_test.h"
#include "report/xml_check.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

class AuditHtml : public test::ReportTest {
protected:
    void SetUp() override {
        make({});
        // Pairs of topics diverge by 0.1 and a little more, matched ones by a quarter of it.
        CsvTable pairs = new_table("audit_pairs");
        for (auto const& [condition, factor] :
             {std::pair(AuditCondition::topic, 1.0), std::pair(AuditCondition::matched, 0.25)}) {
            std::vector<PairDivergence> found;
            for (int p = 0; p < 8; ++p) {
                double const js = factor * (0.1 + 0.001 * p);
                found.push_back({{js, js, js, js}, {1, 2, 1, 2}});
                pairs.add(p, facts_of(condition).word, p, "x", p, "y", 5, 5, js, 1.5);
            }
            add_pairs(audit_, condition, found);
        }
        save(audit_table(audit_, {}, 50));
        save(pairs);
    }
    void save(CsvTable const& table) const {
        test::write_text(folder() / "tables" / (table.name + ".csv"), to_csv(table));
    }
    std::string section() const {
        write_report_html(folder());
        std::string const page = read_file(folder() / "report.html");
        EXPECT_EQ(test::xml_fault(page, {"meta", "br", "input"}), "");
        auto const begin = page.find("<section id=\"audit\"");
        return begin == page.npos ? "" : page.substr(begin, page.find("</section>", begin) - begin);
    }
    AuditInput audit_;
};

TEST_F(AuditHtml, SaysWhatIsTopicAndWhatIsHarm) {
    std::string const html = section();
    for (char const* const part :
         {"changes 0.25 (0.2", "goes with the topic more than with harm", "matched", "1.5 (1.5 to 1.5)", "audit_js"})
        EXPECT_NE(html.find(part), html.npos) << part << '\n' << html;
}

TEST_F(AuditHtml, DrawsALineForEachCondition) {
    draw_figures(folder());
    std::string const data = read_file(folder() / "figures" / "audit_js.dat");
    EXPECT_TRUE(data.starts_with("# layer topic matched\n0 0.103")) << data;
}

TEST_F(AuditHtml, IsLeftOutWithoutAnAuditAndRefusesADamagedOne) {
    replace("tables/audit.csv", "topic,0,", "topics,0,");
    EXPECT_ERROR(write_report_html(folder()), ExitCode::bad_data, "audit.csv: row 1: no condition");
    for (char const* const name : {"audit", "audit_pairs"})
        std::filesystem::remove(folder() / "tables" / (std::string(name) + ".csv"));
    EXPECT_EQ(section(), "");
    draw_figures(folder());
    EXPECT_FALSE(std::filesystem::exists(folder() / "figures" / "audit_js.dat"));
}

}  // namespace
}  // namespace gatesweep
