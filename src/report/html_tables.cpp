#include "html_tables.h"

#include <fmt/format.h>

#include <set>

#include "gatesweep/store/table_catalogue.h"
#include "html_parts.h"
#include "text.h"

namespace gatesweep {
namespace {

// A browser sorts and searches this much at once; a table of a long prompt list may be longer.
constexpr std::size_t max_table_bytes = 6U << 20;

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
    for (TableFacts const& facts : table_catalogue()) {
        std::string const stem(facts.stem);
        if (!run.has(stem)) continue;
        body += table_html(stem, run.table(stem), facts.description);
        shown.insert(stem);
    }
    for (auto const& [stem, table] : run.tables) {
        if (!shown.contains(stem)) body += table_html(stem, table, "");
    }
    return section("tables", "Every table", body);
}

}  // namespace gatesweep
