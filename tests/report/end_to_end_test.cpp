// The tables as the analysis writes them, through figures and page: the two sides agree on every column.
#include <gtest/gtest.h>

#include "analysis/random_input.h"
#include "gatesweep/analysis/tables.h"
#include "gatesweep/base/file.h"
#include "gatesweep/report/figures.h"
#include "gatesweep/report/headline.h"
#include "gatesweep/report/html.h"
#include "gatesweep/store/timings.h"
#include "report/xml_check.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

TEST(EndToEnd, AnalysedTablesBecomeFiguresAndAPage) {
    std::mt19937_64 random(7);
    test::InputSpec spec;
    spec.groups = test::mixed_groups({{"be<n>ign \"x\"", 9}, {"harmful", 7}, {"near, miss", 5}}, random);
    AnalysisInput input = test::random_input(spec, random);
    input.parameters.benign = "be<n>ign \"x\"";
    input.marks = {{3, 1}, {0, 7}};
    input.parameters.coverage = {0.8, 0.9, 0.95, 0.5};
    AnalysisResult const result = analyze(input);

    TemporaryFolder const folder;
    RunDirectory run(folder / "run");
    run.write_text("job.toml",
                   "[analysis]\nbenign = 'be<n>ign \"x\"'\nmalicious = 'harmful'\ncoverage = [0.8, 0.9, 0.95, 0.5]\n");
    write_tables(input, result, run);
    write_timings({{"signals", 1.5, 300}, {"report", 0.5, 0}}, run);
    Manifest manifest;
    manifest.version = "1.2.3";
    manifest.numerics_id = "cpu-test";
    manifest.attempts.push_back({"2026-01-01T00:00:00Z", "", "node1", 2, "stopped"});
    run.write_manifest(manifest);

    RunView const view = read_run(run.folder());
    EXPECT_EQ(view.coverage_columns(), (std::vector<std::string>{"k80", "k90", "k95", "k50"}));
    ASSERT_EQ(view.classes[0].gap.size(), result.of(SignalKind::activation).classes.size());
    for (std::size_t i = 0; i < view.classes[0].gap.size(); ++i) {
        EXPECT_EQ(view.classes[0].gap[i], result.of(SignalKind::activation).classes[i].gap);
        EXPECT_EQ(view.classes[1].label[i], to_string(result.of(SignalKind::gradient).classes[i].label));
    }
    EXPECT_TRUE(headline(view).marked.starts_with("marked experts: ranks "));

    draw_figures(view);
    write_report_html(view);
    std::string const html = read_file(run.folder() / "report.html");
    EXPECT_EQ(test::xml_fault(html, {"meta", "br", "input"}), "");
    std::vector<std::string> parts = {"1.2.3", "cpu-test", "node1", "tables/layers.csv", "300"};
    for (auto const& [path, digest] : run.files())
        parts.push_back(digest);
    for (auto const& part : parts)
        EXPECT_NE(html.find(part), std::string::npos) << part;
    EXPECT_EQ(html.find("Not drawn"), std::string::npos);
}

}  // namespace
}  // namespace gatesweep
