#include "figures_heatmaps.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "figure_scripts.h"
#include "gnuplot.h"
#include "heatmap.h"
#include "text.h"

namespace gatesweep {
namespace {

std::string palette_command(Palette palette) {
    auto const colours = stops(palette);
    std::string command = "set palette defined (";
    for (std::size_t i = 0; i < colours.size(); ++i)
        command += fmt::format("{}{} '{}'", i ? ", " : "", i, hex(colours[i]));
    return command + ")\n";
}

std::string matrix_of(std::vector<double> const& values, HeatmapGrid const& grid) {
    std::string data;
    for (std::int64_t row = 0; row < grid.num_rows; ++row) {
        for (std::int64_t column = 0; column < grid.num_columns; ++column) {
            data.append(column ? " " : "").append(to_cell(values[grid.cell(column, row)]));
        }
        data += '\n';
    }
    return data;
}

// Two frames, white under black: one of them shows on any colour.
std::string outlines(RunView const& run, HeatmapGrid const& grid) {
    std::string commands;
    for (auto const* style : {"lc rgb 'white' lw 4", "lc rgb 'black' lw 1.5"}) {
        for (auto const& cell : run.marked) {
            auto const x = static_cast<double>(grid.column(run.moe_layers.row(cell.layer), cell.expert));
            auto const y = static_cast<double>(grid.row(run.moe_layers.row(cell.layer), cell.expert));
            commands += fmt::format("set object rectangle from {},{} to {},{} front fs empty border {}\n", x - 0.5,
                                    y - 0.5, x + 0.5, y + 0.5, style);
        }
    }
    return commands;
}

Figure heatmap(RunView const& run, std::string name, std::string source, std::string const& title,
               std::string const& scale_label, std::vector<double> const& values, ColourScale const& scale) {
    HeatmapGrid const grid = heatmap_grid(run);
    Figure figure;
    figure.name = std::move(name);
    figure.source = std::move(source);
    figure.width = 860;
    figure.height = static_cast<int>(std::clamp<std::int64_t>(grid.num_rows * 22, 170, 560)) + 130;
    figure.data = matrix_of(values, grid);
    bool const is_log = scale.kind == ScaleKind::logarithmic;
    // A score of exactly 0 has no place on a logarithmic scale: the grey ground shows through.
    figure.plot = fmt::format("plot {} matrix using 1:2:{} with image pixels notitle", data_file(figure.name),
                              is_log ? "($3 > 0 ? $3 : NaN)" : "3");
    figure.settings = fmt::format("set title {}\nset xlabel '{}'\nset ylabel '{}'\nset cblabel {}\nunset grid\n",
                                  gnuplot_quoted(title), grid.layers_across ? "layer" : "expert",
                                  grid.layers_across ? "expert" : "layer", gnuplot_quoted(scale_label));
    figure.settings +=
        fmt::format("set xrange [-0.5:{}.5]\nset yrange [{}.5:-0.5]\n", grid.num_columns - 1, grid.num_rows - 1);
    if (grid.num_columns <= 16) figure.settings += "set xtics 1\n";
    if (grid.num_rows <= 16) figure.settings += "set ytics 1\n";
    figure.settings += layer_tics(run, grid.layers_across ? 'x' : 'y');
    figure.settings += palette_command(scale.palette);
    bool const is_small = scale.high < 0.01;
    figure.settings += is_log ? "set logscale cb\n" : "";
    figure.settings += fmt::format("set format cb '{}'\nset rmargin at screen 0.84\n", is_small ? "%.0e" : "%.3g");
    figure.settings += fmt::format("set cbrange [{}:{}]\n", to_cell(scale.low), to_cell(scale.high));
    figure.settings +=
        "set object rectangle from graph 0,0 to graph 1,1 behind fc rgb '#d0d0d0' fs solid 1.0 noborder\n";
    figure.settings += outlines(run, grid);
    return figure;
}

std::string with_marked(RunView const& run, std::string title) {
    return run.marked.empty() ? title : title + "; marked experts framed";
}

}  // namespace

std::vector<Figure> heatmap_figures(RunView const& run) {
    std::vector<Figure> figures;
    std::set<std::string> names;
    for (auto const& classes : run.classes)
        names.insert(fmt::format("heatmap_{}_gap", to_string(classes.signal)));
    for (auto const& map : run.maps) {
        std::string const stem = fmt::format("heatmap_{}_{}", file_name_part(map.signal), file_name_part(map.group));
        std::string name = stem;
        for (int i = 2; !names.insert(name).second; ++i)
            name = fmt::format("{}-{}", stem, i);  // "a/b" beside "a b"
        figures.push_back(heatmap(
            run, name, "tables/expert_scores.csv",
            with_marked(run, fmt::format("Mean {} score, group {}", signal_name(map.signal), shortened(map.group, 30))),
            score_meaning(map.signal), map.mean, group_scale(run, map.signal)));
    }
    for (auto const& classes : run.classes) {
        ColourScale const scale = gap_scale(classes);
        std::string const title =
            fmt::format("Gap of the {} score, {} - {}", facts_of(classes.signal).title,
                        shortened(run.job.analysis.malicious, 20), shortened(run.job.analysis.benign, 20));
        figures.push_back(heatmap(
            run, fmt::format("heatmap_{}_gap", to_string(classes.signal)),
            fmt::format("tables/classes_{}.csv", to_string(classes.signal)), with_marked(run, title),
            scale.saturated_share > 0.0 ? "gap (colours end at the 98th percentile)" : "gap", classes.gap, scale));
    }
    return figures;
}

std::string screen_figure_name(RunView const& run, std::string const& group) {
    return fmt::format("screen_{}", part_among(run.groups, group));
}

std::vector<Figure> screen_figures(RunView const& run) {
    std::vector<Figure> figures;
    if (!run.sweep) return figures;
    for (auto const& screen : run.sweep->screens) {
        figures.push_back(heatmap(run, screen_figure_name(run, screen.group), "tables/screen.csv",
                                  with_marked(run, fmt::format("Each expert edited alone: refusal margin, group {}",
                                                               shortened(screen.group, 30))),
                                  "change of the margin, nats", screen.change, zero_centred_scale(screen.change)));
    }
    return figures;
}

}  // namespace gatesweep
