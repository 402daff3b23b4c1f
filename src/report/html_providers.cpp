#include "html_providers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "gatesweep/base/words.h"
#include "gatesweep/terms/score_provider.h"
#include "html_parts.h"
#include "palette.h"
#include "text.h"
#include "trial_results.h"

namespace gatesweep {
namespace {

constexpr std::size_t num_shown = 5;

// One provider, from its rows of tables/providers.csv.
struct ProviderView {
    std::string name;
    std::vector<ExpertId> highest;  // by rank, the first few
    std::vector<std::int64_t> marked_ranks;
    std::int64_t num_experts = 0, num_clear = 0;  // clear: the interval leaves 0 out
    bool has_intervals = false;
};

std::vector<ProviderView> read_providers(RunView const& run) {
    CsvTable const& table = run.table("providers");
    std::vector<ProviderView> out;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        std::string const& name = table.text(row, "provider");
        if (out.empty() || out.back().name != name) {
            out.emplace_back().name = name;
            out.back().highest.resize(num_shown);
            out.back().marked_ranks.resize(run.marked.size());
        }
        ProviderView& provider = out.back();
        ExpertId const id{table.integer(row, "layer"), table.integer(row, "expert")};
        std::int64_t const rank = table.integer(row, "rank");
        double const low = optional_number(table, row, "low"), high = optional_number(table, row, "high");
        ++provider.num_experts;
        provider.has_intervals |= !std::isnan(low);
        provider.num_clear += low > 0.0 || high < 0.0;
        if (rank >= 1 && rank <= static_cast<std::int64_t>(num_shown))
            provider.highest[static_cast<std::size_t>(rank - 1)] = id;
        for (std::size_t i = 0; i < run.marked.size(); ++i) {
            if (run.marked[i] == id) provider.marked_ranks[i] = rank;
        }
    }
    return out;
}

std::string provider_table(RunView const& run, std::vector<ProviderView> const& providers) {
    HtmlTable table{"What each score provider finds",
                    {{"provider", HtmlColumn::Kind::word}, {"a positive score says"}}};
    table.columns.push_back({"highest", HtmlColumn::Kind::text, "layer:expert, by the size of the score"});
    table.columns.push_back(
        {"interval beyond 0", HtmlColumn::Kind::number, "experts; one in twenty is what chance alone gives"});
    for (ExpertId const id : run.marked)
        table.columns.push_back({to_string(id), HtmlColumn::Kind::number, "rank of the marked expert"});
    for (ProviderView const& provider : providers) {
        auto const facts = find_provider(provider.name);
        std::size_t const num_highest = std::min(num_shown, static_cast<std::size_t>(provider.num_experts));
        auto& row = table.rows.emplace_back();
        row = {html_escape(provider.name), facts ? std::string(facts->positive) : std::string(),
               to_string(std::span(provider.highest).first(num_highest)),
               provider.has_intervals ? HtmlCell(fmt::format("{} of {}", provider.num_clear, provider.num_experts),
                                                 static_cast<double>(provider.num_clear))
                                      : HtmlCell("")};
        for (std::int64_t const rank : provider.marked_ranks)
            row.push_back(count_cell(rank));
    }
    return table.html();
}

double spearman_of(CsvTable const& table, std::string const& a, std::string const& b) {
    if (a == b) return 1.0;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        std::string const &x = table.text(row, "provider_a"), &y = table.text(row, "provider_b");
        if ((x == a && y == b) || (x == b && y == a)) return optional_number(table, row, "spearman");
    }
    return std::nan("");
}

// Rank correlations of all pairs, as coloured cells with their numbers.
std::string agreement_matrix(RunView const& run, std::vector<ProviderView> const& providers) {
    if (!run.has("provider_agreement") || providers.size() < 2) return {};
    CsvTable const& table = run.table("provider_agreement");
    constexpr double cell = 46, left = 130, top = 96;
    double const size = cell * static_cast<double>(providers.size());
    std::string cells;
    for (std::size_t row = 0; row < providers.size(); ++row) {
        double const y = top + cell * static_cast<double>(row), x = left + cell * static_cast<double>(row);
        std::string const name = html_escape(shortened(providers[row].name, 20));
        cells +=
            fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", left - 8, y + cell / 2 + 4, name);
        cells +=
            fmt::format("<text transform=\"translate({} {}) rotate(-50)\">{}</text>\n", x + cell / 2, top - 8, name);
        for (std::size_t column = 0; column < providers.size(); ++column) {
            double const value = spearman_of(table, providers[row].name, providers[column].name);
            double const at = left + cell * static_cast<double>(column);
            std::string const fill =
                std::isnan(value) ? "none" : hex(colour_at(Palette::diverging, (1.0 + value) / 2.0));
            cells += fmt::format(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/><text x=\"{}\" y=\"{}\" "
                "text-anchor=\"middle\" style=\"fill:{}\">{}</text>\n",
                at, y, cell - 1, cell - 1, fill, at + cell / 2, y + cell / 2 + 4,
                std::abs(value) > 0.6 ? "#fff" : "#111", std::isnan(value) ? "n/a" : fmt::format("{:.2f}", value));
        }
    }
    return fmt::format(
        "<figure class=\"plot\">\n<figcaption>Agreement of the providers: rank correlation of their scores over all "
        "experts, with "
        "their signs. Intervals, Kendall's tau and common highest experts are in "
        "<code>provider_agreement.csv</code>.</figcaption>\n<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
        "fill=\"currentColor\" font-size=\"12\" role=\"img\" "
        "aria-label=\"Matrix of rank correlations between score providers\">\n{2}</svg>\n</figure>\n",
        left + size + 40, top + size + 4, cells);
}

// A row of a group for each provider: the correlation with the screen, and its interval.
std::string screen_plot(RunView const& run, std::string const& group) {
    CsvTable const& table = run.table("provider_screen");
    constexpr double left = 130, width = 380, height = 26, top = 8;
    auto const place = [](double value) { return left + width * (value + 1.0) / 2.0; };
    std::string marks;
    double y = top;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        if (table.text(row, "group") != group) continue;
        double const value = optional_number(table, row, "spearman");
        double const low = optional_number(table, row, "low"), high = optional_number(table, row, "high");
        double const middle = y + height / 2;
        marks += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", left - 8, middle + 4,
                             html_escape(shortened(table.text(row, "provider"), 20)));
        if (!std::isnan(low) && !std::isnan(high)) {
            marks += fmt::format("<path d=\"M{:.1f} {}H{:.1f}\" stroke=\"currentColor\" stroke-width=\"2\"/>",
                                 place(low), middle, place(high));
        }
        if (!std::isnan(value)) {
            marks +=
                fmt::format("<circle cx=\"{:.1f}\" cy=\"{}\" r=\"5\" fill=\"currentColor\"/>", place(value), middle);
        }
        marks += fmt::format("<text x=\"{}\" y=\"{}\">{} of {}</text>\n", left + width + 12, middle + 4,
                             std::lround(optional_number(table, row, "share_of_largest_effects") *
                                         static_cast<double>(table.integer(row, "top_n"))),
                             table.integer(row, "top_n"));
        y += height;
    }
    std::string axis;
    for (double const value : {-1.0, -0.5, 0.0, 0.5, 1.0}) {
        axis += fmt::format(
            "<path d=\"M{0:.1f} {1}V{2}\" stroke=\"currentColor\" stroke-opacity=\"{3}\"/><text x=\"{0:.1f}\" "
            "y=\"{4}\" "
            "text-anchor=\"middle\">{5}</text>\n",
            place(value), top, y, value == 0.0 ? 0.8 : 0.2, y + 16, value);
    }
    return fmt::format(
        "<figure class=\"plot\">\n<figcaption>Providers against the screen on {}: rank correlation of the size of the "
        "score with the "
        "size of the change of the refusal margin, with its 95 % interval; at the right, how many of the largest "
        "changes are among the provider's highest experts.</figcaption>\n<svg viewBox=\"0 0 {} {}\" width=\"{}\" "
        "fill=\"currentColor\" font-size=\"12\" role=\"img\" aria-label=\"Rank correlation of each score provider with "
        "the causal screen\">\n{}{}</svg>\n"
        "</figure>\n",
        group_html(run, group), left + width + 90, y + 24, left + width + 90, axis, marks);
}

// Layers where no score can say much.
std::string flat_layers(RunView const& run) {
    if (!run.has("group_layers")) return {};
    CsvTable const& table = run.table("group_layers");
    std::vector<std::string> flat;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        if (table.integer(row, "flat") == 1) flat.push_back(table.text(row, "layer"));
    }
    if (flat.empty()) return {};
    return fmt::format(
        "<p>In {} the two groups are routed no more differently than two halves of one group: {}. Scores by routing "
        "say "
        "little there.</p>\n",
        plural(std::ssize(flat), "layer"), fmt::join(flat, ", "));
}

}  // namespace

std::string providers_section(RunView const& run) {
    if (!run.has("providers")) return {};
    auto const providers = read_providers(run);
    std::string body =
        "<p>Methods that rank experts, side by side. A score is a correlation with a group of prompts, except for the "
        "logit gradient, which follows the margin itself; whether an expert matters is decided by editing it. Where "
        "methods disagree, at most one of them can be right.</p>\n";
    body += provider_table(run, providers) + flat_layers(run);
    std::vector<std::string> parts = {agreement_matrix(run, providers)};
    if (run.has("provider_screen")) {
        std::vector<std::string> groups;
        CsvTable const& table = run.table("provider_screen");
        for (std::size_t row = 0; row < table.rows.size(); ++row) {
            std::string const& group = table.text(row, "group");
            if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
        }
        for (auto const& group : groups)
            parts.push_back(screen_plot(run, group));
    } else {
        body +=
            "<p class=\"note\">Without the screen of single experts (<code>sweep.screen</code>) nothing here says "
            "which of them is right.</p>\n";
    }
    std::erase(parts, "");
    if (!parts.empty()) body += side_by_side(parts);
    return section("providers", "Score providers", body);
}

}  // namespace gatesweep
