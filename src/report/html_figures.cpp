#include "html_figures.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "gatesweep/base/file.h"
#include "html_parts.h"
#include "palette.h"
#include "text.h"

namespace gatesweep {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

// Whole elements that would be wrong inside a page: gnuplot's own title, and filters it defines and does not use.
void drop_elements(std::string& svg, std::string_view open, std::string_view close) {
    for (std::size_t at = svg.find(open); at != std::string::npos; at = svg.find(open, at)) {
        std::size_t const end = svg.find(close, at);
        if (end == std::string::npos) return;
        svg.erase(at, end + close.size() - at);
    }
}

// As gnuplot writes it: each number three characters wide.
std::string svg_colour(Colour colour) {
    return fmt::format("rgb({:3}, {:3}, {:3})", colour.red, colour.green, colour.blue);
}

}  // namespace

std::string inlined_svg(std::string_view file, std::string_view id_prefix, std::string_view label) {
    std::size_t const start = file.find("<svg");
    if (start == std::string_view::npos) return {};
    std::string svg(file.substr(start));
    drop_elements(svg, "<title>Gnuplot</title>", "\n");
    drop_elements(svg, "<desc>", "</desc>");
    drop_elements(svg, "<filter", "</filter>");
    std::array<std::pair<std::string, std::string>, 13> const rules = {{
        {" id=\"", fmt::format(" id=\"{}", id_prefix)},
        {" id='", fmt::format(" id='{}", id_prefix)},
        {"href='#", fmt::format("href='#{}", id_prefix)},
        {"href=\"#", fmt::format("href=\"#{}", id_prefix)},
        {"url(#", fmt::format("url(#{}", id_prefix)},
        {"color=\"black\"", "color=\"currentColor\""},
        {"stroke='black'", "stroke='currentColor'"},
        {"fill=\"black\"", "fill=\"currentColor\""},
        {"fill=\"#ffffff\"", "fill=\"none\""},
        {"rgb(  0,   0,   0)", "currentColor"},
        {"rgb(0,0,0)", "currentColor"},
        {svg_colour(band_colour), "var(--band)"},
        {svg_colour(band_mean_colour), "var(--dim)"},
    }};
    // Inside tags only: a group may well be named ` id="black"`, and its name is text.
    std::string out;
    out.reserve(svg.size() + svg.size() / 16);
    std::size_t at = 0;
    bool is_first = true;
    while (at < svg.size()) {
        std::size_t const open = svg.find('<', at);
        out.append(svg, at, open == std::string::npos ? std::string::npos : open - at);
        if (open == std::string::npos) break;
        std::size_t const close = svg.find('>', open);
        std::size_t const end = close == std::string::npos ? svg.size() : close + 1;
        std::string tag = svg.substr(open, end - open);
        for (auto const& [from, to] : rules)
            replace_all(tag, from, to);
        if (std::exchange(is_first, false)) {
            tag.insert(4, fmt::format(" role=\"img\" aria-label=\"{}\"", html_escape(label)));
        }
        out += tag;
        at = end;
    }
    return out;
}

std::string figure_html(RunView const& run, std::string_view name, std::string_view caption) {
    auto const path = run.folder / "figures" / fmt::format("{}.svg", name);
    std::string picture;
    if (std::filesystem::exists(path)) {
        picture = inlined_svg(read_file(path), fmt::format("{}-", name), caption);
    }
    if (picture.empty()) {
        picture =
            "<p class=\"missing\">Not drawn: gnuplot was not found when this report was made. Install gnuplot, then "
            "run "
            "<code>gatesweep report</code> on the run's folder.</p>";
    }
    return fmt::format("<figure class=\"plot\">\n{}\n<figcaption>{} <code>figures/{}</code></figcaption></figure>\n",
                       picture, html_escape(caption), name);
}

}  // namespace gatesweep
