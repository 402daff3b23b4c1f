#include "figures_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "figure_scripts.h"
#include "gatesweep/base/error.h"
#include "gnuplot.h"
#include "heatmap.h"
#include "palette.h"
#include "text.h"

namespace gatesweep {
namespace {

// One line of a figure per group.
struct Line {
    std::string group;
    std::string title;
    std::vector<double> values;
};

constexpr std::size_t max_title = 32;  // characters of a group's name that fit into a key

enum class Marks { none, points };

// Columns: x = 0, 1, ... plus `first_x`, then one column per line; all lines have the same length.
std::string columns_of(std::vector<Line> const& lines, std::int64_t first_x) {
    std::string data = "# x";
    for (auto const& line : lines)
        data.append(" ").append(file_name_part(line.group));
    data += '\n';
    for (std::size_t i = 0; i < lines.front().values.size(); ++i) {
        data += std::to_string(first_x + static_cast<std::int64_t>(i));
        for (auto const& line : lines)
            data.append(" ").append(to_cell(line.values[i]));
        data += '\n';
    }
    return data;
}

std::string plot_of(std::string const& name, std::vector<Line> const& lines, Marks marks) {
    static constexpr std::array point_types = {7, 9, 5, 13, 11, 4};
    std::string plot = "plot ";
    for (std::size_t i = 0; i < lines.size(); ++i) {
        plot += fmt::format(
            "{}{} using 1:{} with {} lw 2 dt {} lc rgb '{}' title {}", i ? ", \\\n     " : "", data_file(name), i + 2,
            marks == Marks::points ? fmt::format("linespoints pt {} ps 0.6", point_types[i % 6]) : "lines", i % 4 + 1,
            hex(group_colour(i)), gnuplot_quoted(lines[i].title));
    }
    return plot;
}

Figure lines_figure(std::string name, std::string source, std::vector<Line> const& lines, std::int64_t first_x,
                    Marks marks) {
    Figure figure;
    figure.name = std::move(name);
    figure.source = std::move(source);
    figure.data = columns_of(lines, first_x);
    figure.plot = plot_of(figure.name, lines, marks);
    return figure;
}

std::vector<Line> sorted_scores(RunView const& run, std::string_view signal) {
    std::vector<Line> lines;
    for (auto const& map : run.maps) {
        if (map.signal != signal) continue;
        Line line{map.group, shortened(map.group, max_title), map.mean};
        std::stable_sort(line.values.begin(), line.values.end(), [](double a, double b) {
            return std::isnan(b) ? !std::isnan(a) : a > b;  // what is no number comes last
        });
        lines.push_back(std::move(line));
    }
    return lines;
}

std::vector<Line> cumulative_fractions(RunView const& run, std::string_view signal) {
    std::vector<Line> lines = sorted_scores(run, signal);
    CsvTable const& coverage = run.table("coverage");
    for (auto& line : lines) {
        double total = 0.0;
        for (double const value : line.values)
            total += value;
        double sum = 0.0;
        for (double& value : line.values)
            value = total > 0.0 ? (sum += value) / total : 0.0;
        for (std::size_t row = 0; row < coverage.rows.size(); ++row) {
            if (coverage.text(row, "signal") != signal || coverage.text(row, "level") != "group" ||
                coverage.text(row, "group") != line.group) {
                continue;
            }
            line.title += ":";
            for (auto const& name : run.coverage_columns()) {
                line.title +=
                    fmt::format("{} {} {}", line.title.back() == ':' ? "" : ",", name, coverage.text(row, name));
            }
            break;
        }
    }
    return lines;
}

std::vector<Line> layer_metric(RunView const& run, std::string_view signal, std::string const& metric) {
    CsvTable const& layers = run.table("layers");
    std::vector<Line> lines;
    for (auto const& group : run.groups) {
        Line line{group, shortened(group, max_title),
                  std::vector<double>(static_cast<std::size_t>(run.num_layers), std::nan(""))};
        std::int64_t num_found = 0;
        for (std::size_t row = 0; row < layers.rows.size(); ++row) {
            if (layers.text(row, "signal") != signal || layers.text(row, "aggregator") != "mean_of_prompts" ||
                layers.text(row, "group") != group) {
                continue;
            }
            std::int64_t const layer = layers.integer(row, "layer");
            GATESWEEP_VALIDATE(run.moe_layers.has(layer, run.num_layers), ExitCode::bad_data,
                               "{}: row {}: layer {} of {}: run 'gatesweep analyze' on the folder to write it again",
                               layers.name, row + 1, layer, run.num_layers);
            line.values[static_cast<std::size_t>(run.moe_layers.row(layer))] = layers.number(row, metric);
            ++num_found;
        }
        GATESWEEP_VALIDATE(
            num_found == run.num_layers, ExitCode::bad_data,
            "{}: {} rows for {} of group \"{}\", aggregator mean_of_prompts, of {} layers: run 'gatesweep "
            "analyze' on the folder to write it again",
            layers.name, num_found, signal, printable(group), run.num_layers);
        lines.push_back(std::move(line));
    }
    return lines;
}

// gnuplot refuses to choose a range where there is no number.
std::string range_if_empty(std::vector<Line> const& lines) {
    bool const has_numbers = std::ranges::any_of(lines, [](Line const& line) {
        return std::ranges::any_of(line.values, [](double value) { return std::isfinite(value); });
    });
    return has_numbers ? "" : "set yrange [0:1]\n";
}

std::string axes(std::string const& title, std::string const& x, std::string const& y, std::string const& key) {
    return fmt::format("set title {}\nset xlabel {}\nset ylabel {}\nset key {} noenhanced\n", gnuplot_quoted(title),
                       gnuplot_quoted(x), gnuplot_quoted(y), key);
}

Figure distribution(RunView const& run, SignalFacts const& signal) {
    std::vector<Line> const lines = sorted_scores(run, signal.word);
    Figure figure =
        lines_figure(std::string(signal.figures.distribution), "tables/expert_scores.csv", lines, 1, Marks::none);
    std::string const y = fmt::format("{}{}", signal.is_share ? "mean " : "", signal.score);
    figure.settings = axes(fmt::format("Experts by mean {} score", signal.title),
                           "rank among all experts of all layers", y, "top right");
    figure.settings += fmt::format("set xrange [1:{}]\nset yrange [0:*]\n", std::max<std::int64_t>(run.num_cells(), 2));
    figure.settings += range_if_empty(lines);
    return figure;
}

Figure cumulative(RunView const& run, SignalFacts const& signal) {
    Figure figure =
        lines_figure(std::string(signal.figures.cumulative), "tables/expert_scores.csv and tables/coverage.csv",
                     cumulative_fractions(run, signal.word), 1, Marks::none);
    figure.settings = axes(fmt::format("Coverage of the {} score by the highest experts", signal.title),
                           "rank among all experts of all layers", "cumulative fraction", "bottom right");
    figure.settings +=
        fmt::format("set xrange [1:{}]\nset yrange [0:1]\nset rmargin 7\n", std::max<std::int64_t>(run.num_cells(), 2));
    for (double const level : run.job.analysis.coverage) {
        figure.settings += fmt::format(
            "set arrow from graph 0, first {0} to graph 1, first {0} nohead lc rgb '#707070' dt 3\n"
            "set label '{1} %' at graph 1.01, first {0} left textcolor rgb '#707070'\n",
            level, 100.0 * level);
    }
    return figure;
}

Figure by_layer(RunView const& run, SignalFacts const& signal, std::string_view name, std::string const& metric,
                std::string const& title, std::string const& y) {
    std::vector<Line> const lines = layer_metric(run, signal.word, metric);
    Figure figure =
        lines_figure(std::string(name), "tables/layers.csv (aggregator mean_of_prompts)", lines, 0, Marks::points);
    figure.settings = axes(title, "layer", y, "outside bottom center horizontal") + "set xlabel offset 0,0.4\n";
    figure.settings += fmt::format("set xrange [-0.5:{}.5]\n", run.num_layers - 1);
    if (metric == "dominant") figure.settings += "set yrange [0:*]\n";
    figure.settings += range_if_empty(lines);
    if (run.num_layers <= 16) figure.settings += "set xtics 1\n";
    figure.settings += layer_tics(run, 'x');
    return figure;
}

}  // namespace

std::vector<Figure> line_figures(RunView const& run) {
    std::vector<Figure> figures;
    for (ClassMap const& classes : run.classes) {
        SignalFacts const& signal = facts_of(classes.signal);
        figures.push_back(distribution(run, signal));
        figures.push_back(cumulative(run, signal));
        figures.push_back(by_layer(run, signal, signal.figures.dominant, "dominant",
                                   fmt::format("Highest {} score of a layer", signal.title),
                                   std::string(signal.score)));
        figures.push_back(by_layer(run, signal, signal.figures.effective, "effective_experts",
                                   fmt::format("Effective number of experts ({})", signal.title), "exp(entropy)"));
    }
    return figures;
}

}  // namespace gatesweep
