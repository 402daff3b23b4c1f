#include "html_heatmap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "heatmap.h"
#include "html_parts.h"
#include "text.h"

namespace gatesweep {
namespace {

constexpr int num_colours = 48;
constexpr double left_margin = 46;
constexpr double bottom_margin = 40;
constexpr double cap_height = 9;  // of a label, which must not stand out at the top

struct CellSize {
    double width = 0;
    double height = 0;
};

CellSize cell_size(HeatmapGrid const& grid) {
    return {std::clamp(600.0 / static_cast<double>(grid.num_columns), 4.5, 56.0),
            std::clamp(300.0 / static_cast<double>(grid.num_rows), 7.0, 26.0)};
}

// One path per colour, with runs along a row joined: a map of 6,144 cells takes some 100 kB less than with rectangles.
std::string cells_html(std::vector<double> const& values, ColourScale const& scale, HeatmapGrid const& grid) {
    std::map<int, std::string> paths;  // -1: no colour
    for (std::int64_t row = 0; row < grid.num_rows; ++row) {
        auto const colour = [&](std::int64_t column) {
            auto const position = scale.position(values[grid.cell(column, row)]);
            return position ? static_cast<int>(std::lround(*position * (num_colours - 1))) : -1;
        };
        for (std::int64_t column = 0; column < grid.num_columns;) {
            std::int64_t end = column + 1;
            while (end < grid.num_columns && colour(end) == colour(column))
                ++end;
            paths[colour(column)] += fmt::format("M{} {}h{}v1h-{}z", column, row, end - column, end - column);
            column = end;
        }
    }
    std::string out;
    for (auto const& [colour, path] : paths) {
        std::string const fill =
            colour < 0 ? "class=\"void\""
                       : fmt::format("fill=\"{}\"", hex(colour_at(scale.palette, colour / (num_colours - 1.0))));
        out += fmt::format("<path {} d=\"{}\"/>\n", fill, path);
    }
    return out;
}

// Every how many cells a number stands, so that `room` pixels lie between two.
std::int64_t label_step(double cell_size, double room) {
    for (std::int64_t const step : {1, 2, 5, 10, 20, 50}) {
        if (static_cast<double>(step) * cell_size >= room) return step;
    }
    return 100;
}

std::string axes_html(RunView const& run, HeatmapGrid const& grid, CellSize size) {
    auto const name = [&](std::int64_t place, bool is_layer) { return is_layer ? run.moe_layers.layer(place) : place; };
    double const width = static_cast<double>(grid.num_columns) * size.width;
    double const height = static_cast<double>(grid.num_rows) * size.height;
    std::string out;
    for (std::int64_t i = 0; i < grid.num_columns; i += label_step(size.width, grid.num_columns > 100 ? 28 : 18)) {
        out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
                           left_margin + (static_cast<double>(i) + 0.5) * size.width, height + 15,
                           name(i, grid.layers_across));
    }
    for (std::int64_t i = 0; i < grid.num_rows; i += label_step(size.height, 13)) {
        out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>", left_margin - 6,
                           std::max(cap_height, (static_cast<double>(i) + 0.5) * size.height + 4),
                           name(i, !grid.layers_across));
    }
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>", left_margin + width / 2,
                       height + 34, grid.layers_across ? "layer" : "expert");
    out += fmt::format("<text transform=\"translate(12 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
                       height / 2, grid.layers_across ? "expert" : "layer");
    return out;
}

std::string frames_html(RunView const& run, HeatmapGrid const& grid) {
    std::string out;
    for (auto const* style : {"halo", "frame"}) {
        for (auto const& id : run.marked) {
            out += fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"1\" height=\"1\"/>", style,
                               grid.column(run.moe_layers.row(id.layer), id.expert),
                               grid.row(run.moe_layers.row(id.layer), id.expert));
        }
    }
    return out;
}

std::string legend_html(ColourScale const& scale) {
    std::string gradient;
    for (auto const& colour : stops(scale.palette))
        gradient.append(gradient.empty() ? "" : ",").append(hex(colour));
    bool const is_log = scale.kind == ScaleKind::logarithmic;
    double const middle = is_log ? std::sqrt(scale.low * scale.high) : (scale.low + scale.high) / 2;
    auto const text = scale.palette == Palette::diverging ? signed_text : number_text;
    std::string note = is_log ? "logarithmic" : "";
    if (scale.saturated_share > 0.0) {
        note +=
            fmt::format("{}{:.1f} % of the cells lie beyond the ends", is_log ? "; " : "", 100 * scale.saturated_share);
    }
    return fmt::format(
        "<div class=\"legend\"><span class=\"bar\" style=\"background:linear-gradient(to right,{})\"></span>"
        "<span class=\"ends\"><span>{}</span><span>{}</span><span>{}</span></span><span "
        "class=\"note\">{}</span></div>\n",
        gradient, text(scale.low), text(middle), text(scale.high), note);
}

}  // namespace

std::string heatmap_html(RunView const& run, std::string const& caption, std::string const& label,
                         std::vector<double> const& values, ColourScale const& scale) {
    HeatmapGrid const grid = heatmap_grid(run);
    CellSize const size = cell_size(grid);
    double const width = left_margin + static_cast<double>(grid.num_columns) * size.width + 2;
    double const height = static_cast<double>(grid.num_rows) * size.height + bottom_margin;
    return fmt::format(
        "<figure class=\"map\">\n<figcaption>{}</figcaption>\n"
        "<svg viewBox=\"0 0 {:.1f} {:.1f}\" width=\"{:.0f}\" tabindex=\"0\" role=\"img\" aria-label=\"{}\" "
        "data-columns=\"{}\" "
        "data-rows=\"{}\" data-across=\"{}\">\n"
        "<g class=\"cells\" transform=\"translate({} 0) scale({:.3f} {:.3f})\" shape-rendering=\"crispEdges\">\n{}{}"
        "<rect class=\"cursor\" width=\"1\" height=\"1\" visibility=\"hidden\"/></g>\n{}</svg>\n{}</figure>\n",
        caption, width, height, width, html_escape(label), grid.num_columns, grid.num_rows,
        grid.layers_across ? "layer" : "expert", left_margin, size.width, size.height, cells_html(values, scale, grid),
        frames_html(run, grid), axes_html(run, grid, size), legend_html(scale));
}

namespace {

std::string group_map(RunView const& run, ExpertMap const& map, ColourScale const& scale) {
    return heatmap_html(
        run, fmt::format("Mean {} score on {}", html_escape(signal_name(map.signal)), group_html(run, map.group)),
        fmt::format("Heatmap of the mean {} score on group {}, layers by experts", signal_name(map.signal), map.group),
        map.mean, scale);
}

std::string gap_map(RunView const& run, ClassMap const& classes) {
    SignalFacts const& signal = facts_of(classes.signal);
    return fmt::format("<h3>{}</h3>\n<p class=\"note\">{}{}.</p>\n", capitalised(signal.title),
                       capitalised(html_escape(signal.score)), signal.is_share ? "" : "; grey: exactly 0") +
           heatmap_html(
               run,
               fmt::format("Gap of the {} score: {} minus {}", signal.title,
                           group_html(run, run.job.analysis.malicious), group_html(run, run.job.analysis.benign)),
               fmt::format("Heatmap of the {} gap, {} minus {}", signal.title, run.job.analysis.malicious,
                           run.job.analysis.benign),
               classes.gap, gap_scale(classes));
}

}  // namespace

std::string heatmap_section(RunView const& run) {
    std::string body = fmt::format(
        "<p>One cell is one expert of one layer. Point at a cell, or focus a map and use the arrow keys, to read all "
        "its numbers; "
        "the same expert lights up in every map. In the gap maps orange means more on {}, blue more on {}, white no "
        "difference. "
        "The groups' maps of one signal share one colour scale.{}</p>\n",
        group_html(run, run.job.analysis.malicious), group_html(run, run.job.analysis.benign),
        run.marked.empty() ? "" : " Marked experts are framed.");
    body += for_each_signal(run, [&](ClassMap const& classes) { return gap_map(run, classes); });
    for (auto const& group : run.groups) {
        body += for_each_signal(run, [&](ClassMap const& classes) {
            std::string_view const signal = to_string(classes.signal);
            ExpertMap const* const map = run.find_map(signal, group);
            return map ? group_map(run, *map, group_scale(run, signal)) : "";
        });
    }
    std::string others;
    for (auto const& map : run.maps) {
        if (!find_signal(map.signal)) others += group_map(run, map, group_scale(run, map.signal));
    }
    if (!others.empty()) body += fmt::format("<div class=\"maps\">\n{}</div>\n", others);
    return section("maps", "Where the two groups differ", body);
}

}  // namespace gatesweep
