#include "gatesweep/report/html.h"

#include <fmt/format.h>

#include <array>

#include "gatesweep/base/file.h"
#include "html_parts.h"
#include "text.h"

namespace gatesweep {
namespace {

struct Link {
    char const* id;
    char const* title;
};

constexpr std::array links = {
    Link{"run", "What was run"},       Link{"short", "In short"},    Link{"cautions", "Cautions"},
    Link{"marked", "Marked experts"},  Link{"maps", "Maps"},         Link{"classes", "Classes"},
    Link{"top", "Highest experts"},    Link{"coverage", "Coverage"}, Link{"layers", "Layers"},
    Link{"guide", "How to read this"}, Link{"labs", "Labs"},         Link{"tables", "Every table"},
    Link{"provenance", "Provenance"},
};

std::string navigation(RunView const& run) {
    std::string items;
    for (auto const& link : links) {
        if (link.id == std::string_view("marked") && !run.has("marked_experts")) continue;
        items += fmt::format("<a href=\"#{}\">{}</a>\n", link.id, link.title);
    }
    return fmt::format("<nav aria-label=\"Sections\">\n{}</nav>\n", items);
}

}  // namespace

void write_report_html(RunView const& run) {
    Provenance const origin = provenance(run);
    std::string const title = html_escape(run.title());
    // The policy keeps the promise that the page asks for nothing: a browser refuses whatever is not in this file.
    std::string page = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'; img-src data:\">\n"
        "<title>{0} - routing report</title>\n<style>\n{1}</style>\n</head>\n<body data-layers=\"{2}\" "
        "data-experts=\"{3}\">\n"
        "<header>\n<p class=\"kicker\">Routing report</p>\n<h1>{0}</h1>\n<p class=\"lead\">How a mixture-of-experts "
        "language model routes {4} and "
        "{5} prompts: which experts are used, and to which the loss responds.</p>\n</header>\n{6}<main>\n",
        title, page_style(), run.num_layers, run.num_experts, group_html(run, run.job.benign),
        group_html(run, run.job.malicious), navigation(run));
    page += what_was_run(run, origin.summary_rows);
    page += in_short(run);
    page += cautions(run);
    page += marked_section(run);
    page += heatmap_section(run);
    page += classes_section(run);
    page += top_experts_section(run);
    page += coverage_section(run);
    page += layers_section(run);
    page += reading_guide(run);
    page += lab_map();
    page += all_tables_section(run);
    page += origin.section;
    page += fmt::format(
        "</main>\n<div id=\"tip\" role=\"status\" aria-live=\"polite\" "
        "hidden></div>\n<script>\n{}</script>\n</body>\n</html>\n",
        page_script());
    write_file_atomically(run.folder / "report.html", page);
}

void write_report_html(std::filesystem::path const& run_folder) {
    write_report_html(read_run(run_folder));
}

}  // namespace gatesweep
