#include "figures_effects.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "figure_scripts.h"
#include "gnuplot.h"
#include "palette.h"
#include "sweep_facts.h"
#include "text.h"

namespace gatesweep {
namespace {

struct KindStyle {
    char const* kind;
    char const* title;
    int point_type;
    std::size_t colour;
};

constexpr std::array kind_styles = {
    KindStyle{"selected", "chosen by a signal", 7, 0},
    KindStyle{"custom", "set of the user's", 13, 2},
    KindStyle{"reverse", "control: opposite class", 9, 1},
    KindStyle{"bottom", "control: smallest gaps", 5, 3},
};

std::string cell(double value) {
    return to_cell(100.0 * value);
}

// Rows of the forest by difference, the most negative on top.
std::vector<TrialResult const*> forest_rows(SweepView const& sweep, std::string const& group) {
    auto rows = most_telling(sweep, group, max_forest_rows);
    std::erase_if(rows, [](auto const* row) { return std::isnan(row->difference); });
    std::ranges::stable_sort(rows, [](auto const* a, auto const* b) { return a->difference < b->difference; });
    return rows;
}

std::string forest_data(SweepView const& sweep, std::vector<TrialResult const*> const& rows) {
    std::string data = "# row difference low high random_low random_mean random_high kind trial; points of 100\n";
    for (std::size_t i = 0; i < rows.size(); ++i) {
        ControlBand const* const band = sweep.control_of(*rows[i]);
        data += fmt::format("{} {} {} {} {} {} {} {} {}\n", i, cell(rows[i]->difference), cell(rows[i]->difference_low),
                            cell(rows[i]->difference_high), cell(band ? band->lowest_difference : not_measured),
                            cell(band ? band->mean_difference : not_measured),
                            cell(band ? band->highest_difference : not_measured), rows[i]->kind, rows[i]->id);
    }
    return data;
}

std::string forest_range(SweepView const& sweep, std::vector<TrialResult const*> const& rows) {
    double low = 0.0;
    double high = 0.0;
    for (auto const* row : rows) {
        ControlBand const* const band = sweep.control_of(*row);
        for (double const value : {row->difference, row->difference_low, row->difference_high,
                                   band ? band->lowest_difference : 0.0, band ? band->highest_difference : 0.0}) {
            if (std::isnan(value)) continue;
            low = std::min(low, value);
            high = std::max(high, value);
        }
    }
    double const margin = std::max(0.04 * (high - low), 0.01);
    return fmt::format("set xrange [{:.2f}:{:.2f}]\n", 100.0 * (low - margin), 100.0 * (high + margin));
}

std::string forest_labels(SweepView const& sweep, std::vector<TrialResult const*> const& rows) {
    std::string labels;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        labels +=
            fmt::format("{}{} {}", i ? ", \\\n  " : "", gnuplot_quoted(shortened(set_name(sweep, *rows[i]), 64)), i);
    }
    return fmt::format("set ytics ({}) scale 0\n", labels);
}

Figure forest(RunView const& run, std::string const& group) {
    SweepView const& sweep = *run.sweep;
    auto const rows = forest_rows(sweep, group);
    Figure figure;
    figure.name = sweep_figure_name(run, "sweep_effects", group);
    figure.source = "tables/trials.csv and tables/trial_controls.csv";
    figure.width = 960;
    figure.height = 150 + 24 * static_cast<int>(rows.size());
    figure.data = forest_data(sweep, rows);
    figure.settings = fmt::format(
        "set title {}\nset xlabel 'change of the refusal rate against the baseline, points (95 % interval)'\n"
        "set yrange [{}.5:-0.5]\nset key outside bottom center horizontal Left reverse noenhanced\nset bars small\nset "
        "xlabel offset 0,0.5\n"
        "set arrow from 0, graph 0 to 0, graph 1 nohead back lc rgb 'black' lw 1\n",
        gnuplot_quoted(fmt::format("Effect of each set on refusals, group {}", shortened(group, 30))),
        static_cast<int>(rows.size()) - 1);
    figure.settings += forest_range(sweep, rows) + forest_labels(sweep, rows);
    std::string const file = data_file(figure.name);
    bool const has_band = std::ranges::any_of(rows, [&](auto const* row) { return sweep.control_of(*row); });
    figure.plot = "plot ";
    if (has_band) {
        figure.plot += fmt::format(
            "{0} using 6:1:5:7:($1-0.34):($1+0.34) with boxxyerror fs solid 1.0 noborder fc rgb '{1}' title 'its "
            "random "
            "sets, lowest to highest', \\\n     {0} using 6:($1-0.34):(0):(0.68) with vectors nohead "
            "lw 2 lc rgb '{2}' title 'their mean', \\\n     ",
            file, hex(band_colour), hex(band_mean_colour));
    }
    bool is_first = true;
    for (auto const& style : kind_styles) {
        if (std::ranges::none_of(rows, [&](auto const* row) { return row->kind == style.kind; })) continue;
        figure.plot += fmt::format(
            "{}{} using (strcol(8) eq '{}' ? $2 : NaN):1:3:4 with xerrorbars pt {} ps 0.8 lw 1.6 lc rgb '{}' title {}",
            is_first ? "" : ", \\\n     ", file, style.kind, style.point_type, hex(group_colour(style.colour)),
            gnuplot_quoted(style.title));
        is_first = false;
    }
    return figure;
}

enum class SideEffect { perplexity, refusal };

double side_value(SweepView const& sweep, TrialResult const& result, std::string const& side_group, SideEffect what) {
    TrialResult const* const beside = sweep.find(result.id, side_group);
    if (!beside) return not_measured;
    return what == SideEffect::perplexity ? beside->perplexity_ratio : 100.0 * beside->difference;
}

// Linear, unless the values span more than a factor of five; never a range of no width.
std::string side_range(std::vector<double> const& values, SideEffect what) {
    auto const [low, high] = std::ranges::minmax(values);
    if (what == SideEffect::perplexity && low > 0.0 && high / low > 5.0) {
        return fmt::format("set logscale x\nset xrange [{}:{}]\n", low / 1.2, high * 1.2);
    }
    double const least = what == SideEffect::perplexity ? 0.01 : 2.0;
    double const margin = std::max(0.06 * (high - low), least);
    return fmt::format("set xrange [{}:{}]\n", low - margin, high + margin);
}

std::vector<Figure> side_effects(RunView const& run, std::string const& side_group, SideEffect what) {
    SweepView const& sweep = *run.sweep;
    std::string const& group = sweep.groups.front();
    std::string data = "# side_effect difference kind trial\n";
    std::vector<double> values;
    for (auto const& result : sweep.results) {
        if (result.group != group || result.kind == "baseline") continue;
        double const value = side_value(sweep, result, side_group, what);
        if (!std::isfinite(value) || !std::isfinite(result.difference)) continue;
        values.push_back(value);
        data += fmt::format("{} {} {} {}\n", to_cell(value), cell(result.difference), result.kind, result.id);
    }
    if (values.empty()) return {};
    std::string const stem = what == SideEffect::perplexity ? "sweep_side_effects" : "sweep_side_effects_refusal";
    Figure figure;
    bool const is_first = side_group == sweep.side_groups.front();
    figure.name = is_first ? stem : fmt::format("{}_{}", stem, part_among(sweep.side_groups, side_group));
    figure.source = "tables/trials.csv";
    figure.data = data;
    figure.height = 440;
    std::string const beside = shortened(side_group, 30);
    figure.settings = fmt::format(
        "set title {}\nset xlabel {}\nset ylabel 'change of refusals, points'\n"
        "set key outside bottom center horizontal Left reverse noenhanced\nset xlabel offset 0,0.5\n{}"
        "set arrow from {}, graph 0 to {}, graph 1 nohead back lc rgb 'black' lw 1\n",
        gnuplot_quoted(fmt::format("Refusals on {} against what else changes", shortened(group, 30))),
        gnuplot_quoted(what == SideEffect::perplexity ? fmt::format("perplexity on {}, times the baseline's", beside)
                                                      : fmt::format("change of refusals on {}, points", beside)),
        side_range(values, what), what == SideEffect::perplexity ? 1 : 0, what == SideEffect::perplexity ? 1 : 0);
    double low = -1.0;
    double high = 1.0;
    for (auto const& result : sweep.results) {
        if (result.group != group || std::isnan(result.difference)) continue;
        low = std::min(low, 100.0 * result.difference);
        high = std::max(high, 100.0 * result.difference);
    }
    figure.settings +=
        fmt::format("set yrange [{:.2f}:{:.2f}]\n", low - 0.05 * (high - low), high + 0.05 * (high - low));
    std::string const file = data_file(figure.name);
    auto const plotted = [&](std::string const& kind, int point_type, std::string const& colour,
                             std::string const& title) {
        if (data.find(" " + kind + " ") == std::string::npos) return;
        figure.plot +=
            fmt::format("{}{} using (strcol(3) eq '{}' ? $1 : NaN):2 with points pt {} ps {} lc rgb '{}' title {}",
                        figure.plot.empty() ? "plot " : ", \\\n     ", file, kind, point_type,
                        kind == "random" ? 1.4 : 0.9, colour, gnuplot_quoted(title));
    };
    for (auto const& style : kind_styles)
        plotted(style.kind, style.point_type, hex(group_colour(style.colour)), style.title);
    plotted("random", 6, "#8a929b", "random sets");
    return {figure};
}

}  // namespace

std::vector<Figure> effect_figures(RunView const& run) {
    std::vector<Figure> figures;
    if (!run.sweep) return figures;
    for (auto const& group : run.sweep->groups) {
        if (!forest_rows(*run.sweep, group).empty()) figures.push_back(forest(run, group));
    }
    for (auto const& side_group : run.sweep->side_groups) {
        for (auto const what : {SideEffect::perplexity, SideEffect::refusal})
            std::ranges::move(side_effects(run, side_group, what), std::back_inserter(figures));
    }
    return figures;
}

}  // namespace gatesweep
