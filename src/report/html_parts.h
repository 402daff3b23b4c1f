// Private to report: the pieces that report.html is made of. Every function returns HTML; text of the user's is escaped
// where it enters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

struct ColourScale;

// Four significant digits: "0.2861", "4.79e-5"; "n/a" for what is no number.
std::string number_text(double value);
std::string signed_text(double value);       // with its sign
std::string count_text(std::int64_t value);  // "3,940"

struct HtmlColumn {
    std::string title;                                         // HTML
    enum class Kind { text, word, number } kind = Kind::text;  // a word does not wrap
    std::string hint = {};                                     // plain text shown on hovering over the title
};

struct HtmlCell {
    std::string html;
    std::string sort_key = {};  // empty: the text itself

    HtmlCell(std::string text) : html(std::move(text)) {}
    HtmlCell(char const* text) : html(text) {}
    HtmlCell(std::string text, double key);
};

enum class Sorting { fixed, sortable };

struct HtmlTable {
    std::string caption;  // HTML
    std::vector<HtmlColumn> columns;
    std::vector<std::vector<HtmlCell>> rows = {};
    Sorting sorting = Sorting::sortable;

    std::string html() const;
};

HtmlCell number_cell(double value);
HtmlCell count_cell(std::int64_t value);
HtmlCell gap_cell(double gap, double largest);  // the number with a bar left or right of zero
HtmlCell expert_cell(ExpertId id);              // "7:5", sorted by layer, then expert

// The group's name beside its colour.
std::string group_html(RunView const& run, std::string_view group);
// The two halves of a row of the page: activation left, gradient right.
std::string side_by_side(std::string const& left, std::string const& right);
std::string section(std::string_view id, std::string_view title, std::string const& body);

// The gnuplot figure figures/NAME.svg made part of the page: its ids made its own, black made the page's text colour.
std::string figure_html(RunView const& run, std::string_view name, std::string_view caption);
std::string inlined_svg(std::string_view svg, std::string_view id_prefix, std::string_view label);

// A layer x expert heatmap that shows a cell's numbers on pointing at it. `caption` is HTML, `label` plain text.
std::string heatmap_html(RunView const& run, std::string const& caption, std::string const& label,
                         std::vector<double> const& values, ColourScale const& scale);

// Sections.
std::string what_was_run(RunView const& run, std::string const& manifest_rows);
std::string in_short(RunView const& run);
std::string cautions(RunView const& run);
std::string marked_section(RunView const& run);  // empty without marked experts
std::string heatmap_section(RunView const& run);
std::string coverage_section(RunView const& run);
std::string top_experts_section(RunView const& run);
std::string classes_section(RunView const& run);
std::string layers_section(RunView const& run);
std::string reading_guide(RunView const& run);
std::string lab_map();
std::string all_tables_section(RunView const& run);

// manifest.json and timings.csv, read with tolerance: what is absent is "not recorded".
struct Provenance {
    std::string notice;        // that these results were made anew from a run's measurements; else empty
    std::string summary_rows;  // <dt><dd> pairs for "What was run"
    std::string section;
};
Provenance provenance(RunView const& run);

std::string_view page_style();
std::string_view page_script();

}  // namespace gatesweep
