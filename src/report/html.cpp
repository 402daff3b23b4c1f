#include "gatesweep/report/html.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "gatesweep/base/file.h"
#include "gatesweep/report/page_assets.h"
#include "html_audit.h"
#include "html_categories.h"
#include "html_classes.h"
#include "html_examples.h"
#include "html_guide.h"
#include "html_harden.h"
#include "html_heatmap.h"
#include "html_parts.h"
#include "html_provenance.h"
#include "html_providers.h"
#include "html_sections.h"
#include "html_summary.h"
#include "html_sweep.h"
#include "html_sweep_effects.h"
#include "html_sweep_tables.h"
#include "html_tables.h"
#include "text.h"

namespace gatesweep {
namespace {

struct Part {
    char const* id;
    char const* title;
    std::string html;  // empty: the run has none
};

std::vector<Part> parts_of(RunView const& run, Provenance const& origin) {
    return {
        {"run", "What was run", what_was_run(run, origin.summary_rows)},
        {"short", "In short", in_short(run)},
        {"sweep", "Suppression", sweep_section(run)},
        {"cautions", "Cautions", cautions(run)},
        {"doses", "Doses", doses_section(run)},
        {"single", "Single experts", single_experts_section(run)},
        {"providers", "Score providers", providers_section(run)},
        {"audit", "Routing audit", audit_section(run)},
        {"harden", "Hardening", harden_section(run)},
        {"transitions", "Transitions", transitions_section(run)},
        {"side", "Side effects", side_effects_section(run)},
        {"categories", "Categories", categories_section(run)},
        {"examples", "Examples", examples_section(run)},
        {"trials", "Trials", trials_section(run)},
        {"grid", "Grid", grid_section(run)},
        {"marked", "Marked experts", marked_section(run)},
        {"maps", "Maps", heatmap_section(run)},
        {"classes", "Classes", classes_section(run)},
        {"top", "Highest experts", top_experts_section(run)},
        {"coverage", "Coverage", coverage_section(run)},
        {"layers", "Layers", layers_section(run)},
        {"guide", "How to read this", reading_guide(run)},
        {"labs", "Labs", lab_map()},
        {"tables", "Every table", all_tables_section(run)},
        {"provenance", "Provenance", origin.section},
    };
}

std::string navigation(std::vector<Part> const& parts) {
    std::string items;
    for (auto const& part : parts) {
        if (!part.html.empty()) items += fmt::format("<a href=\"#{}\">{}</a>\n", part.id, part.title);
    }
    return fmt::format("<nav aria-label=\"Sections\">\n{}</nav>\n", items);
}

}  // namespace

void write_report_html(RunView const& run) {
    Provenance const origin = provenance(run);
    std::vector<Part> const parts = parts_of(run, origin);
    std::string const title = html_escape(run.title());
    // The policy keeps the promise that the page asks for nothing: a browser refuses whatever is not in this file.
    std::string page = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'; img-src data:\">\n"
        "<title>{0} - routing report</title>\n<style>\n{1}</style>\n</head>\n<body data-layers=\"{2}\" "
        "data-experts=\"{3}\"{9}>\n"
        "<header>\n<p class=\"kicker\">Routing report</p>\n<h1>{0}</h1>\n<p class=\"lead\">How a mixture-of-experts "
        "language model routes {4} and "
        "{5} prompts: which experts are used, and to which the loss responds{7}.</p>\n</header>\n{6}<main>\n{8}",
        title, page_style, run.num_layers, run.num_experts, group_html(run, run.job.analysis.benign),
        group_html(run, run.job.analysis.malicious), navigation(parts),
        run.sweep ? "; and what becomes of refusals when they are suppressed" : "", origin.notice,
        run.moe_layers.is_every() ? "" : fmt::format(" data-moe-layers=\"{}\"", fmt::join(run.moe_layers.list(), " ")));
    for (auto const& part : parts)
        page += part.html;
    page += fmt::format(
        "</main>\n<div id=\"tip\" role=\"status\" aria-live=\"polite\" "
        "hidden></div>\n<script>\n{}</script>\n</body>\n</html>\n",
        page_script);
    write_file_atomically(run.folder / "report.html", page);
}

void write_report_html(std::filesystem::path const& run_folder) {
    write_report_html(read_run(run_folder));
}

}  // namespace gatesweep
