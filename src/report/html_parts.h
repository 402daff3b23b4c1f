// Private to report: the pieces that report.html is made of. Every function returns HTML; text of the user's is escaped
// where it enters.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

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
// Of a place in a map [L, E]: its decoder layer.
ExpertId expert_at(RunView const& run, std::int64_t cell);
HtmlCell expert_cell(ExpertId id);  // "7:5", sorted by layer, then expert

// The group's name beside its colour.
std::string group_html(RunView const& run, std::string_view group);
// Parts of a row of the page; the third begins a new row.
std::string side_by_side(std::vector<std::string> const& parts);
// One part for each signal of the run.
std::string for_each_signal(RunView const& run, std::function<std::string(ClassMap const&)> const& part);
std::string capitalised(std::string_view text);
std::string signal_heading(SignalFacts const& signal);
std::string section(std::string_view id, std::string_view title, std::string const& body);

}  // namespace gatesweep
