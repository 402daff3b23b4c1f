#include <fmt/format.h>

#include <array>
#include <set>

#include "html_parts.h"
#include "text.h"

namespace gatesweep {
namespace {

// A browser sorts and searches this much at once; a table of a long prompt list may be longer.
constexpr std::size_t max_table_bytes = 6U << 20;

struct Description {
    char const* stem;
    char const* text;
};

constexpr std::array descriptions = {
    Description{"prompts", "the prompts, their length and loss"},
    Description{"expert_scores", "every expert's mean score and its spread over prompts"},
    Description{"top_experts", "the highest experts of each group"},
    Description{"top_frequency", "in how many prompts an expert is among the highest"},
    Description{"coverage", "experts needed for a share of the score, for prompts and groups"},
    Description{"classes_activation", "gap and class of every expert by activation"},
    Description{"classes_gradient", "gap and class of every expert by gradient"},
    Description{"class_counts", "experts by class"},
    Description{"threshold_sensitivity", "experts by class for other limits of the gap"},
    Description{"overlap", "highest experts that two groups have in common"},
    Description{"layers", "concentration and spread, layer by layer"},
    Description{"layer_summary", "the same over all layers and over the last quarter"},
    Description{"marked_experts", "the experts named in advance"},
    Description{"trials", "every trial of the sweep on every group"},
    Description{"trial_cells", "the job's grid, cell by cell"},
    Description{"trial_experts", "the experts of every trial, a row each"},
    Description{"trial_controls", "which random sets each set is compared with"},
    Description{"category_effects", "effects by a column of the prompt files"},
    Description{"controls", "the random sets, by size"},
    Description{"transitions", "replies by label at baseline and in the trial"},
    Description{"label_quality", "the labeller against people"},
    Description{"screen", "refusal margin with each expert edited alone"},
};

std::string table_html(std::string const& stem, CsvTable const& table, std::string_view text) {
    std::string csv = to_csv(table);
    std::string cut;
    if (csv.size() > max_table_bytes) {
        csv.resize(csv.rfind('\n', max_table_bytes) + 1);
        cut = fmt::format("<p class=\"note\">Only the first part is in this page; the whole is {}.</p>",
                          html_escape(table.name));
    }
    return fmt::format(
        "<details class=\"data\"><summary><code>{0}</code> {1} <span class=\"note\">{2} rows</span></summary>{3}\n"
        "<div class=\"tools\"></div><div class=\"scroll\" tabindex=\"0\"></div>\n"
        "<pre hidden class=\"csv\" data-name=\"{4}\">{5}</pre></details>\n",
        html_escape(table.name), text, count_text(static_cast<std::int64_t>(table.rows.size())), cut, html_escape(stem),
        html_escape(csv));
}

}  // namespace

std::string all_tables_section(RunView const& run) {
    std::string body =
        "<p>Open a table to sort, search or save it. The same files lie in "
        "<code>tables/</code>.</p>\n<noscript><p>These tables "
        "need JavaScript; without it, read the files.</p></noscript>\n";
    std::set<std::string> shown;
    for (auto const& [stem, text] : descriptions) {
        if (!run.has(stem)) continue;
        body += table_html(stem, run.table(stem), text);
        shown.insert(stem);
    }
    for (auto const& [stem, table] : run.tables) {
        if (!shown.contains(stem)) body += table_html(stem, table, "");
    }
    return section("tables", "Every table", body);
}

}  // namespace gatesweep
