#include "html_classes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "heatmap.h"
#include "html_parts.h"
#include "text.h"

namespace gatesweep {
namespace {

constexpr std::size_t min_class_rows = 10;
constexpr std::size_t max_class_rows = 24;

std::size_t num_class_rows(RunView const& run) {
    std::size_t num_rows = min_class_rows;
    for (auto const& classes : run.classes) {
        auto const not_shared =
            std::ranges::count_if(classes.label, [](auto const& label) { return label != "shared"; });
        num_rows = std::max(num_rows, static_cast<std::size_t>(not_shared));
    }
    return std::min({num_rows, max_class_rows, static_cast<std::size_t>(run.num_cells())});
}

std::string classes_table(RunView const& run, ClassMap const& classes) {
    std::vector<std::size_t> order(classes.gap.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    // The dominant first, by size of the gap; a NaN gap has no size and comes last.
    auto const size = [&](std::size_t i) { return std::isnan(classes.gap[i]) ? -1.0 : std::abs(classes.gap[i]); };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return size(a) > size(b); });
    std::size_t const num_rows = num_class_rows(run);
    HtmlTable table{fmt::format("The {} largest gaps of {}", num_rows, count_text(run.num_cells())), {{"expert"}}};
    for (auto const& title :
         {group_html(run, run.job.analysis.benign), group_html(run, run.job.analysis.malicious), std::string("gap")}) {
        table.columns.push_back({title, HtmlColumn::Kind::number});
    }
    table.columns.push_back({"class", HtmlColumn::Kind::word});
    std::string_view const signal = to_string(classes.signal);
    auto const& benign = run.find_map(signal, run.job.analysis.benign)->mean;
    auto const& malicious = run.find_map(signal, run.job.analysis.malicious)->mean;
    double const largest = order.empty() ? 0.0 : size(order.front());
    for (std::size_t i = 0; i < num_rows; ++i) {
        auto const cell = static_cast<std::int64_t>(order[i]);
        table.rows.push_back({expert_cell(expert_at(run, cell)), number_cell(benign[order[i]]),
                              number_cell(malicious[order[i]]), gap_cell(classes.gap[order[i]], largest),
                              html_escape(classes.label[order[i]])});
    }
    return table.html();
}

std::string class_counts_table(RunView const& run, SignalFacts const& signal) {
    CsvTable const& counts = run.table("class_counts");
    HtmlTable table{"Experts by class", {{"class"}, {"experts", HtmlColumn::Kind::number}}, {}, Sorting::fixed};
    for (std::size_t row = 0; row < counts.rows.size(); ++row) {
        if (counts.text(row, "signal") != signal.word) continue;
        table.rows.push_back({html_escape(counts.text(row, "label")), count_cell(counts.integer(row, "count"))});
    }
    return table.html();
}

// How the counts move with the limit of the gap; empty where the run has no such table.
std::string sensitivity_table(RunView const& run, SignalFacts const& signal) {
    if (!run.has("threshold_sensitivity")) return {};
    CsvTable const& sensitivity = run.table("threshold_sensitivity");
    HtmlTable table{fmt::format("Experts by class for other limits ({})", signal.title),
                    {{"limit of the gap", HtmlColumn::Kind::number}},
                    {},
                    Sorting::fixed};
    std::vector<std::string> labels;
    std::map<double, std::map<std::string, std::int64_t>> counts;
    for (std::size_t row = 0; row < sensitivity.rows.size(); ++row) {
        if (sensitivity.text(row, "signal") != signal.word) continue;
        std::string const& label = sensitivity.text(row, "label");
        std::int64_t const count = sensitivity.integer(row, "count");
        counts[sensitivity.number(row, "gap_threshold")][label] = count;
        if (count > 0 && std::ranges::find(labels, label) == labels.end()) labels.push_back(label);
    }
    for (auto const& label : labels)
        table.columns.push_back({html_escape(label), HtmlColumn::Kind::number});
    for (auto& [limit, of_label] : counts) {
        table.rows.push_back({number_cell(limit)});
        for (auto const& label : labels)
            table.rows.back().push_back(count_cell(of_label[label]));
    }
    return table.html();
}

// All layers, and the last quarter of them; empty where the run has no such table.

}  // namespace

std::string classes_section(RunView const& run) {
    auto const part = [&](ClassMap const& classes) {
        SignalFacts const& signal = facts_of(classes.signal);
        Thresholds const& limits = run.job.analysis.limits(classes.signal);
        return signal_heading(signal) +
               fmt::format(
                   "<p class=\"note\">Dominant: |gap| at least {}, and the larger mean at least {}; weak: the gap "
                   "alone; shared: a "
                   "smaller gap.</p>\n",
                   number_text(limits.gap), number_text(limits.min)) +
               class_counts_table(run, signal) + sensitivity_table(run, signal) + classes_table(run, classes);
    };
    return section(
        "classes", "Experts by class",
        fmt::format(
            "<p>The gap of an expert is its mean score on {} minus that on {}. Bars to the right (orange) mean more on "
            "{}, to the left (blue) more on {}. Press a column's title to sort.</p>\n",
            group_html(run, run.job.analysis.malicious), group_html(run, run.job.analysis.benign),
            group_html(run, run.job.analysis.malicious), group_html(run, run.job.analysis.benign)) +
            for_each_signal(run, part));
}

}  // namespace gatesweep
