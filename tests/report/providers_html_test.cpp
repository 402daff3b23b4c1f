// The report's section of score providers, from tables that the analysis writes.
#include <gtest/gtest.h>

#include <cmath>

#include "gatesweep/analysis/provider_tables.h"
#include "gatesweep/base/file.h"
#include "gatesweep/report/html.h"
#include "report/report_test.h"
#include "report/xml_check.h"

namespace gatesweep {
namespace {

// Scores 1, 2, 3, ... times the factor; a resample adds as much as the noise.
ProviderScores provider(std::string name, double factor, double noise, std::int64_t num_layers,
                        std::int64_t num_experts) {
    ProviderScores out;
    out.name = std::move(name);
    out.scores = {num_layers, num_experts, {}};
    for (std::int64_t i = 0; i < num_layers * num_experts; ++i)
        out.scores.values.push_back(factor * static_cast<double>(i + 1));
    if (noise > 0.0) {
        out.resampled = NdArray<double>({3, num_layers, num_experts});
        for (std::int64_t b = 0; b < 3; ++b) {
            for (std::size_t i = 0; i < out.scores.values.size(); ++i)
                out.resampled.row(b)[i] = out.scores.values[i] + static_cast<double>(b - 1) * noise;
        }
    }
    return completed(std::move(out));
}

class ProvidersHtml : public test::ReportTest {
protected:
    void SetUp() override {
        test::SyntheticSpec spec;
        spec.marked = {{1, 2}};
        make(spec);
        providers_ = {provider("reap", 1.0, 4.5, spec.num_layers, spec.num_experts),
                      provider("an <import>", -1.0, 0.0, spec.num_layers, spec.num_experts)};
        save(providers_table(providers_, {}));
        save(provider_agreement_table(providers_, 4));
        change_ = NdArray<double>({2, spec.num_layers, spec.num_experts});
        for (std::size_t i = 0; i < change_.values.size(); ++i)
            change_.values[i] = std::sqrt(static_cast<double>(i + 1));
        group_ = spec.groups[1];
    }
    void save(CsvTable const& table) const {
        test::write_text(folder() / "tables" / (table.name + ".csv"), to_csv(table));
    }
    std::string section() const {
        write_report_html(folder());
        std::string const page = read_file(folder() / "report.html");
        EXPECT_EQ(test::xml_fault(page, {"meta", "br", "input"}), "");
        auto const begin = page.find("<section id=\"providers\"");
        return begin == page.npos ? "" : page.substr(begin, page.find("</section>", begin) - begin);
    }
    static void expect_holds(std::string const& text, std::string const& part) {
        EXPECT_NE(text.find(part), text.npos) << part;
    }

    std::vector<ProviderScores> providers_;
    NdArray<double> change_;
    std::string group_;
};

TEST_F(ProvidersHtml, ShowsWhatProvidersFindAndWhetherTheyAgree) {
    std::string const html = section();
    expect_holds(html, "an &lt;import&gt;");
    expect_holds(html, "more on the malicious group");
    expect_holds(html,
                 fmt::format("{} of {}", providers_[0].scores.values.size() - 4, providers_[0].scores.values.size()));
    expect_holds(html, ">-1.00</text>");
    expect_holds(html, "nothing here says which of them is right");
    expect_holds(html, "rank of the marked expert");
}

TEST_F(ProvidersHtml, HoldsThemAgainstTheScreen) {
    save(provider_screen_table(providers_, screens_by_group(change_, std::vector<std::string>{group_, group_}), 4));
    std::string const html = section();
    expect_holds(html, "Providers against the screen");
    expect_holds(html, "<circle");
    expect_holds(html, "4 of 4");
}

TEST_F(ProvidersHtml, IsLeftOutWithoutProviders) {
    for (char const* const name : {"providers", "provider_agreement"})
        std::filesystem::remove(folder() / "tables" / (std::string(name) + ".csv"));
    EXPECT_EQ(section(), "");
}

}  // namespace
}  // namespace gatesweep
