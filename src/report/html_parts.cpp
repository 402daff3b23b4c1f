#include "html_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "text.h"

namespace gatesweep {

std::string number_text(double value) {
    if (!std::isfinite(value)) return "n/a";
    if (value == 0.0 || (std::abs(value) >= 1e-3 && std::abs(value) < 1e6)) return fmt::format("{:.4g}", value);
    auto exponent = static_cast<int>(std::floor(std::log10(std::abs(value))));
    std::string mantissa = fmt::format("{:.4g}", value / std::pow(10.0, exponent));
    if (mantissa == "10" || mantissa == "-10") {  // 9.9996e-4 rounds up
        mantissa.pop_back();
        ++exponent;
    }
    return fmt::format("{}e{}", mantissa, exponent);
}

std::string signed_text(double value) {
    return fmt::format("{}{}", value > 0.0 ? "+" : "", number_text(value));
}

std::string count_text(std::int64_t value) {
    std::string text = std::to_string(value);
    for (auto place = static_cast<std::ptrdiff_t>(text.size()) - 3; place > (value < 0 ? 1 : 0); place -= 3) {
        text.insert(static_cast<std::size_t>(place), 1, ',');
    }
    return text;
}

HtmlCell::HtmlCell(std::string text, double key)
    : html(std::move(text)), sort_key(std::isfinite(key) ? fmt::format("{}", key) : "") {}

HtmlCell number_cell(double value) {
    return {number_text(value), value};
}

HtmlCell count_cell(std::int64_t value) {
    return {count_text(value), static_cast<double>(value)};
}

HtmlCell gap_cell(double gap, double largest) {
    double const share = largest > 0.0 && std::isfinite(gap) ? std::min(std::abs(gap) / largest, 1.0) : 0.0;
    return {fmt::format("<span class=\"gap {}\"><i style=\"width:{:.1f}%\"></i></span><span class=\"gv\">{}</span>",
                        gap < 0 ? "less" : "more", 50.0 * share, signed_text(gap)),
            gap};
}

ExpertId expert_at(RunView const& run, std::int64_t cell) {
    return {run.moe_layers.layer(cell / run.num_experts), cell % run.num_experts};
}

HtmlCell expert_cell(ExpertId id) {
    return {fmt::format("<span class=\"ex\">{}:{}</span>", id.layer, id.expert),
            static_cast<double>(id.layer) * 1e6 + static_cast<double>(id.expert)};
}

std::string HtmlTable::html() const {
    bool const is_sortable = sorting == Sorting::sortable && rows.size() > 1;
    std::string out = fmt::format("<div class=\"scroll\" tabindex=\"0\"><table{}><caption>{}</caption>\n<thead><tr>",
                                  is_sortable ? " class=\"sortable\"" : "", caption);
    for (auto const& column : columns) {
        std::string const hint = column.hint.empty() ? "" : fmt::format(" title=\"{}\"", html_escape(column.hint));
        out += fmt::format(
            "<th scope=\"col\"{}{}>{}</th>", column.kind == HtmlColumn::Kind::number ? " class=\"n\"" : "", hint,
            is_sortable ? fmt::format("<button type=\"button\">{}</button>", column.title) : column.title);
    }
    out += "</tr></thead>\n<tbody>\n";
    for (auto const& row : rows) {
        out += "<tr>";
        for (std::size_t i = 0; i < row.size(); ++i) {
            auto const* const css = columns[i].kind == HtmlColumn::Kind::number ? " class=\"n\""
                                    : columns[i].kind == HtmlColumn::Kind::word ? " class=\"word\""
                                                                                : "";
            std::string const key = row[i].sort_key.empty() ? "" : fmt::format(" data-v=\"{}\"", row[i].sort_key);
            out += fmt::format("<td{}{}>{}</td>", css, key, row[i].html);
        }
        out += "</tr>\n";
    }
    return out + "</tbody></table></div>\n";
}

std::string group_html(RunView const& run, std::string_view group) {
    auto const place = std::find(run.groups.begin(), run.groups.end(), group) - run.groups.begin();
    return fmt::format("<span class=\"g g{}\">{}</span>", std::min<std::ptrdiff_t>(place, 5),
                       html_escape(shortened(group, 60)));
}

std::string side_by_side(std::vector<std::string> const& parts) {
    std::string out = "<div class=\"pair\">\n";
    for (std::string const& part : parts)
        out += fmt::format("<div>\n{}</div>\n", part);
    return out + "</div>\n";
}

std::string for_each_signal(RunView const& run, std::function<std::string(ClassMap const&)> const& part) {
    std::vector<std::string> parts;
    for (ClassMap const& classes : run.classes)
        parts.push_back(part(classes));
    return side_by_side(parts);
}

std::string capitalised(std::string_view text) {
    std::string out(text);
    if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
    return out;
}

std::string signal_heading(SignalFacts const& signal) {
    return fmt::format("<h3>{}</h3>\n", capitalised(signal.title));
}

std::string section(std::string_view id, std::string_view title, std::string const& body) {
    return fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}-h\">\n<h2 id=\"{0}-h\">{1}</h2>\n{2}</section>\n\n",
                       id, title, body);
}

}  // namespace gatesweep
