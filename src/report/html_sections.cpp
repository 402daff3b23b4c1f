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

std::string heading(std::string_view signal) {
    return signal == "activation" ? "<h3>Activation</h3>\n" : "<h3>Gradient</h3>\n";
}

// A cell that holds a number or nothing.
HtmlCell cell_of(CsvTable const& table, std::size_t row, std::string_view column) {
    std::string const& text = table.text(row, column);
    return text.empty() ? HtmlCell("") : number_cell(table.number(row, column));
}

HtmlCell percent_cell(double fraction) {
    return {fmt::format("{:.1f}", 100.0 * fraction), fraction};
}

std::string coverage_table(RunView const& run, std::string const& signal) {
    CsvTable const& coverage = run.table("coverage");
    HtmlTable table{fmt::format("Experts needed ({}), of {}", signal, count_text(run.num_cells())),
                    {{"group"}, {"of", HtmlColumn::Kind::word}},
                    {},
                    Sorting::fixed};
    std::vector<std::string> columns = run.coverage_columns();
    for (auto const* name : {"k_elbow", "top1", "top5"})
        columns.emplace_back(name);
    for (auto const& name : columns)
        table.columns.push_back({html_escape(name), HtmlColumn::Kind::number});
    for (std::string const level : {"group", "prompt_mean"}) {
        for (auto const& group : run.groups) {
            for (std::size_t row = 0; row < coverage.rows.size(); ++row) {
                if (coverage.text(row, "signal") != signal || coverage.text(row, "level") != level ||
                    coverage.text(row, "group") != group) {
                    continue;
                }
                table.rows.push_back({group_html(run, group), level == "group" ? "mean map" : "mean of prompts"});
                for (auto const& name : columns)
                    table.rows.back().push_back(cell_of(coverage, row, name));
            }
        }
    }
    return table.html();
}

std::string top_table(RunView const& run, std::string const& signal) {
    CsvTable const& top = run.table("top_experts");
    std::string const benign = group_html(run, run.job.benign);
    std::string const malicious = group_html(run, run.job.malicious);
    HtmlTable table{fmt::format("Highest experts ({}); those of both groups in bold", signal),
                    {{"rank", HtmlColumn::Kind::number}},
                    {},
                    Sorting::fixed};
    for (auto const& group : {benign, malicious}) {
        table.columns.push_back({group});
        table.columns.push_back({"score", HtmlColumn::Kind::number});
        table.columns.push_back({"sum, %", HtmlColumn::Kind::number, "share of the whole score up to this rank"});
    }
    std::map<std::int64_t, std::map<std::string, std::size_t>> rows_by_rank;
    std::map<ExpertId, std::set<std::string>> groups_of;
    for (std::size_t row = 0; row < top.rows.size(); ++row) {
        std::string const& group = top.text(row, "group");
        if (top.text(row, "signal") != signal || (group != run.job.benign && group != run.job.malicious)) continue;
        rows_by_rank[top.integer(row, "rank")][group] = row;
        groups_of[{top.integer(row, "layer"), top.integer(row, "expert")}].insert(group);
    }
    for (auto const& [rank, rows] : rows_by_rank) {
        table.rows.push_back({count_cell(rank)});
        for (auto const& group : {run.job.benign, run.job.malicious}) {
            auto const found = rows.find(group);
            if (found == rows.end()) {
                table.rows.back().insert(table.rows.back().end(), {"", "", ""});
                continue;
            }
            ExpertId const id{top.integer(found->second, "layer"), top.integer(found->second, "expert")};
            HtmlCell name = expert_cell(id);
            if (groups_of[id].size() == 2) name.html = fmt::format("<b>{}</b>", name.html);
            table.rows.back().insert(table.rows.back().end(),
                                     {name, number_cell(top.number(found->second, "score")),
                                      percent_cell(top.number(found->second, "cumulative_fraction"))});
        }
    }
    return table.html();
}

std::string overlap_text(RunView const& run, std::string const& signal) {
    CsvTable const& overlap = run.table("overlap");
    for (std::size_t row = 0; row < overlap.rows.size(); ++row) {
        if (overlap.text(row, "signal") != signal) continue;
        std::string const& experts = overlap.text(row, "experts");
        return fmt::format("<p>Overlap of the first {}: <b>{}</b>{}{}.</p>\n", overlap.integer(row, "top_n"),
                           overlap.integer(row, "overlap"), experts.empty() ? "" : ", namely ", html_escape(experts));
    }
    return {};
}

// The same for both signals, so that the two tables end together.
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
         {group_html(run, run.job.benign), group_html(run, run.job.malicious), std::string("gap")}) {
        table.columns.push_back({title, HtmlColumn::Kind::number});
    }
    table.columns.push_back({"class", HtmlColumn::Kind::word});
    auto const& benign = run.find_map(classes.signal, run.job.benign)->mean;
    auto const& malicious = run.find_map(classes.signal, run.job.malicious)->mean;
    double const largest = order.empty() ? 0.0 : size(order.front());
    for (std::size_t i = 0; i < num_rows; ++i) {
        auto const cell = static_cast<std::int64_t>(order[i]);
        table.rows.push_back({expert_cell({cell / run.num_experts, cell % run.num_experts}),
                              number_cell(benign[order[i]]), number_cell(malicious[order[i]]),
                              gap_cell(classes.gap[order[i]], largest), html_escape(classes.label[order[i]])});
    }
    return table.html();
}

std::string class_counts_table(RunView const& run, std::string const& signal) {
    CsvTable const& counts = run.table("class_counts");
    HtmlTable table{"Experts by class", {{"class"}, {"experts", HtmlColumn::Kind::number}}, {}, Sorting::fixed};
    for (std::size_t row = 0; row < counts.rows.size(); ++row) {
        if (counts.text(row, "signal") != signal) continue;
        table.rows.push_back({html_escape(counts.text(row, "label")), count_cell(counts.integer(row, "count"))});
    }
    return table.html();
}

// How the counts move with the limit of the gap; empty where the run has no such table.
std::string sensitivity_table(RunView const& run, std::string const& signal) {
    if (!run.has("threshold_sensitivity")) return {};
    CsvTable const& sensitivity = run.table("threshold_sensitivity");
    HtmlTable table{fmt::format("Experts by class for other limits ({})", signal),
                    {{"limit of the gap", HtmlColumn::Kind::number}},
                    {},
                    Sorting::fixed};
    std::vector<std::string> labels;
    std::map<double, std::map<std::string, std::int64_t>> counts;
    for (std::size_t row = 0; row < sensitivity.rows.size(); ++row) {
        if (sensitivity.text(row, "signal") != signal) continue;
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
std::string layer_summary_table(RunView const& run, std::string const& signal) {
    if (!run.has("layer_summary")) return {};
    CsvTable const& summary = run.table("layer_summary");
    HtmlTable table{fmt::format("Over layers ({}), means of prompts", signal),
                    {{"group"}, {"layers", HtmlColumn::Kind::word}}};
    table.sorting = Sorting::fixed;
    for (auto const* title : {"mean score", "max score", "in layer", "mean effective", "min effective"})
        table.columns.push_back({title, HtmlColumn::Kind::number});
    for (std::size_t row = 0; row < summary.rows.size(); ++row) {
        if (summary.text(row, "signal") != signal || summary.text(row, "aggregator") != "mean_of_prompts") continue;
        table.rows.push_back(
            {group_html(run, summary.text(row, "group")),
             fmt::format("{} to {}", summary.integer(row, "first_layer"), summary.integer(row, "last_layer"))});
        for (auto const* column :
             {"mean_dominant", "max_dominant", "argmax_layer", "mean_effective_experts", "min_effective_experts"}) {
            table.rows.back().push_back(cell_of(summary, row, column));
        }
    }
    return table.html();
}

std::string layers_table(RunView const& run, std::string const& signal) {
    CsvTable const& layers = run.table("layers");
    HtmlTable table{fmt::format("Highest expert, its score, effective experts ({})", signal),
                    {{"layer", HtmlColumn::Kind::number}}};
    std::vector<std::vector<HtmlCell>> rows(static_cast<std::size_t>(run.num_layers));
    for (std::size_t layer = 0; layer < rows.size(); ++layer)
        rows[layer].push_back(count_cell(static_cast<std::int64_t>(layer)));
    for (auto const& group : {run.job.benign, run.job.malicious}) {
        table.columns.push_back(
            {group_html(run, group), HtmlColumn::Kind::number, "the expert with the highest score"});
        table.columns.push_back({"score", HtmlColumn::Kind::number});
        table.columns.push_back({"effective", HtmlColumn::Kind::number, "effective number of experts, exp(entropy)"});
        for (std::size_t row = 0; row < layers.rows.size(); ++row) {
            if (layers.text(row, "signal") != signal || layers.text(row, "aggregator") != "mean_of_prompts" ||
                layers.text(row, "group") != group) {
                continue;
            }
            auto& cells = rows.at(static_cast<std::size_t>(layers.integer(row, "layer")));
            cells.push_back(cell_of(layers, row, "dominant_expert"));
            cells.push_back(cell_of(layers, row, "dominant"));
            cells.push_back(cell_of(layers, row, "effective_experts"));
        }
    }
    for (auto& row : rows)
        row.resize(table.columns.size(), HtmlCell(""));
    table.rows = std::move(rows);
    return table.html();
}

}  // namespace

std::string coverage_section(RunView const& run) {
    auto const table = [&](std::string const& signal) { return heading(signal) + coverage_table(run, signal); };
    auto const distribution = [&](std::string const& signal, std::string const& name) {
        return figure_html(run, name, fmt::format("All experts by mean {} score.", signal));
    };
    auto const cumulative = [&](std::string const& signal, std::string const& name) {
        return figure_html(run, name, fmt::format("Share of the whole {} score in the highest experts.", signal));
    };
    std::string body =
        "<p>All experts of all layers are put in one order by their score. k80 is the number of experts, from the top, "
        "that "
        "hold 80 % of the whole; a small number means that few experts do much. The mean map of a group is flatter "
        "than "
        "one prompt's map, because prompts differ in their experts.</p>\n";
    body += side_by_side(table("activation"), table("gradient"));
    body += side_by_side(distribution("activation", "lab10_group_score_distribution"),
                         distribution("gradient", "lab17_group_gradient_score_distribution"));
    body += side_by_side(cumulative("activation", "lab10_group_cumulative_score"),
                         cumulative("gradient", "lab17_group_gradient_cumulative_score"));
    return section("coverage", "How many experts hold the score", body);
}

std::string top_experts_section(RunView const& run) {
    auto const half = [&](std::string const& signal) {
        return heading(signal) + top_table(run, signal) + overlap_text(run, signal);
    };
    return section("top", "The highest experts of each group",
                   "<p>An expert is written <span class=\"ex\">layer:expert</span>, both counted from 0. A high rank "
                   "in both groups means an "
                   "expert in general use, not one tied to a group.</p>\n" +
                       side_by_side(half("activation"), half("gradient")));
}

std::string classes_section(RunView const& run) {
    auto const half = [&](ClassMap const& classes, Thresholds const& limits) {
        return heading(classes.signal) +
               fmt::format(
                   "<p class=\"note\">Dominant: |gap| at least {}, and the larger mean at least {}; weak: the gap "
                   "alone; shared: a "
                   "smaller gap.</p>\n",
                   number_text(limits.gap), number_text(limits.min)) +
               class_counts_table(run, classes.signal) + sensitivity_table(run, classes.signal) +
               classes_table(run, classes);
    };
    return section(
        "classes", "Experts by class",
        fmt::format(
            "<p>The gap of an expert is its mean score on {} minus that on {}. Bars to the right (orange) mean more on "
            "{}, to the left (blue) more on {}. Press a column's title to sort.</p>\n",
            group_html(run, run.job.malicious), group_html(run, run.job.benign), group_html(run, run.job.malicious),
            group_html(run, run.job.benign)) +
            side_by_side(half(run.classes[0], run.job.activation), half(run.classes[1], run.job.gradient)));
}

std::string layers_section(RunView const& run) {
    auto const dominant = [&](std::string const& signal, std::string const& name) {
        return heading(signal) +
               figure_html(run, name, fmt::format("Highest {} score by layer, mean over prompts.", signal));
    };
    auto const effective = [&](std::string const& signal, std::string const& name) {
        return figure_html(run, name, fmt::format("Effective number of experts ({}), mean over prompts.", signal));
    };
    std::string body = fmt::format(
        "<p>A layer that leans on one expert has a high dominant score and few effective experts; at most {} experts "
        "can be "
        "effective in a layer. Every number is formed for each prompt and then averaged.</p>\n",
        run.num_experts);
    body += side_by_side(dominant("activation", "lab12_group_layerwise_dominant_score"),
                         dominant("gradient", "lab19_group_layerwise_dominant_gradient_score"));
    body += side_by_side(effective("activation", "lab12_group_layerwise_effective_experts"),
                         effective("gradient", "lab19_group_layerwise_effective_experts"));
    body += side_by_side(layer_summary_table(run, "activation"), layer_summary_table(run, "gradient"));
    body += side_by_side(layers_table(run, "activation"), layers_table(run, "gradient"));
    return section("layers", "Layer by layer", body);
}

}  // namespace gatesweep
