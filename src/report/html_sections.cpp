#include "html_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "heatmap.h"
#include "html_figures.h"
#include "html_parts.h"
#include "text.h"

namespace gatesweep {
namespace {

// A cell that holds a number or nothing.
HtmlCell cell_of(CsvTable const& table, std::size_t row, std::string_view column) {
    std::string const& text = table.text(row, column);
    return text.empty() ? HtmlCell("") : number_cell(table.number(row, column));
}

HtmlCell percent_cell(double fraction) {
    return {fmt::format("{:.1f}", 100.0 * fraction), fraction};
}

std::string coverage_table(RunView const& run, SignalFacts const& signal) {
    CsvTable const& coverage = run.table("coverage");
    HtmlTable table{fmt::format("Experts needed ({}), of {}", signal.title, count_text(run.num_cells())),
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
                if (coverage.text(row, "signal") != signal.word || coverage.text(row, "level") != level ||
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

std::string top_table(RunView const& run, SignalFacts const& signal) {
    CsvTable const& top = run.table("top_experts");
    std::string const benign = group_html(run, run.job.analysis.benign);
    std::string const malicious = group_html(run, run.job.analysis.malicious);
    HtmlTable table{fmt::format("Highest experts ({}); those of both groups in bold", signal.title),
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
        if (top.text(row, "signal") != signal.word ||
            (group != run.job.analysis.benign && group != run.job.analysis.malicious))
            continue;
        rows_by_rank[top.integer(row, "rank")][group] = row;
        groups_of[{top.integer(row, "layer"), top.integer(row, "expert")}].insert(group);
    }
    for (auto const& [rank, rows] : rows_by_rank) {
        table.rows.push_back({count_cell(rank)});
        for (auto const& group : {run.job.analysis.benign, run.job.analysis.malicious}) {
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

std::string overlap_text(RunView const& run, SignalFacts const& signal) {
    CsvTable const& overlap = run.table("overlap");
    for (std::size_t row = 0; row < overlap.rows.size(); ++row) {
        if (overlap.text(row, "signal") != signal.word) continue;
        std::string const& experts = overlap.text(row, "experts");
        return fmt::format("<p>Overlap of the first {}: <b>{}</b>{}{}.</p>\n", overlap.integer(row, "top_n"),
                           overlap.integer(row, "overlap"), experts.empty() ? "" : ", namely ", html_escape(experts));
    }
    return {};
}

// The same for all signals, so that their tables end together.
std::string layer_summary_table(RunView const& run, SignalFacts const& signal) {
    if (!run.has("layer_summary")) return {};
    CsvTable const& summary = run.table("layer_summary");
    HtmlTable table{fmt::format("Over layers ({}), means of prompts", signal.title),
                    {{"group"}, {"layers", HtmlColumn::Kind::word}}};
    table.sorting = Sorting::fixed;
    for (auto const* title : {"mean score", "max score", "in layer", "mean effective", "min effective"})
        table.columns.push_back({title, HtmlColumn::Kind::number});
    for (std::size_t row = 0; row < summary.rows.size(); ++row) {
        if (summary.text(row, "signal") != signal.word || summary.text(row, "aggregator") != "mean_of_prompts")
            continue;
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

std::string layers_table(RunView const& run, SignalFacts const& signal) {
    CsvTable const& layers = run.table("layers");
    HtmlTable table{fmt::format("Highest expert, its score, effective experts ({})", signal.title),
                    {{"layer", HtmlColumn::Kind::number}}};
    std::vector<std::vector<HtmlCell>> rows(static_cast<std::size_t>(run.num_layers));
    for (std::size_t layer = 0; layer < rows.size(); ++layer)
        rows[layer].push_back(count_cell(run.moe_layers.layer(static_cast<std::int64_t>(layer))));
    for (auto const& group : {run.job.analysis.benign, run.job.analysis.malicious}) {
        table.columns.push_back(
            {group_html(run, group), HtmlColumn::Kind::number, "the expert with the highest score"});
        table.columns.push_back({"score", HtmlColumn::Kind::number});
        table.columns.push_back({"effective", HtmlColumn::Kind::number, "effective number of experts, exp(entropy)"});
        for (std::size_t row = 0; row < layers.rows.size(); ++row) {
            if (layers.text(row, "signal") != signal.word || layers.text(row, "aggregator") != "mean_of_prompts" ||
                layers.text(row, "group") != group) {
                continue;
            }
            auto& cells = rows.at(static_cast<std::size_t>(run.moe_layers.row(layers.integer(row, "layer"))));
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
    auto const each = [&](auto const& part) {
        return for_each_signal(run, [&](ClassMap const& classes) { return part(facts_of(classes.signal)); });
    };
    std::string body =
        "<p>All experts of all layers are put in one order by their score. k80 is the number of experts, from the top, "
        "that "
        "hold 80 % of the whole; a small number means that few experts do much. The mean map of a group is flatter "
        "than "
        "one prompt's map, because prompts differ in their experts.</p>\n";
    body += each([&](SignalFacts const& signal) { return signal_heading(signal) + coverage_table(run, signal); });
    body += each([&](SignalFacts const& signal) {
        return figure_html(run, signal.figures.distribution,
                           fmt::format("All experts by mean {} score.", signal.title));
    });
    body += each([&](SignalFacts const& signal) {
        return figure_html(run, signal.figures.cumulative,
                           fmt::format("Share of the whole {} score in the highest experts.", signal.title));
    });
    return section("coverage", "How many experts hold the score", body);
}

std::string top_experts_section(RunView const& run) {
    std::string const halves = for_each_signal(run, [&](ClassMap const& classes) {
        SignalFacts const& signal = facts_of(classes.signal);
        return signal_heading(signal) + top_table(run, signal) + overlap_text(run, signal);
    });
    return section("top", "The highest experts of each group",
                   "<p>An expert is written <span class=\"ex\">layer:expert</span>, both counted from 0. A high rank "
                   "in both groups means an "
                   "expert in general use, not one tied to a group.</p>\n" +
                       halves);
}

std::string layers_section(RunView const& run) {
    auto const each = [&](auto const& part) {
        return for_each_signal(run, [&](ClassMap const& classes) { return part(facts_of(classes.signal)); });
    };
    std::string body = fmt::format(
        "<p>A layer that leans on one expert has a high dominant score and few effective experts; at most {} experts "
        "can be "
        "effective in a layer. Every number is formed for each prompt and then averaged.</p>\n",
        run.num_experts);
    body += each([&](SignalFacts const& signal) {
        return signal_heading(signal) +
               figure_html(run, signal.figures.dominant,
                           fmt::format("Highest {} score by layer, mean over prompts.", signal.title));
    });
    body += each([&](SignalFacts const& signal) {
        return figure_html(run, signal.figures.effective,
                           fmt::format("Effective number of experts ({}), mean over prompts.", signal.title));
    });
    body += each([&](SignalFacts const& signal) { return layer_summary_table(run, signal); });
    body += each([&](SignalFacts const& signal) { return layers_table(run, signal); });
    return section("layers", "Layer by layer", body);
}

}  // namespace gatesweep
