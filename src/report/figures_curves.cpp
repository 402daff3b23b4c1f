#include "figures_curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "figure_scripts.h"
#include "gnuplot.h"
#include "palette.h"
#include "sweep_curves.h"
#include "sweep_facts.h"
#include "text.h"

namespace gatesweep {
namespace {

constexpr std::array point_types = {7, 9, 5, 13, 11, 4};

struct Axis {
    std::string title;
    std::string label;
    enum class Ticks { whole, any } ticks = Ticks::any;
};

double largest_effect(Curve const& curve) {
    double largest = -1.0;
    for (auto const& point : curve.points) {
        if (!std::isnan(point.result->difference)) largest = std::max(largest, std::abs(point.result->difference));
    }
    return largest;
}

// The curves with the largest effects, in their old order.
std::vector<Curve> fewer(std::vector<Curve> const& curves) {
    std::vector<std::size_t> order(curves.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    std::ranges::stable_sort(order,
                             [&](auto a, auto b) { return largest_effect(curves[a]) > largest_effect(curves[b]); });
    order.resize(std::min(order.size(), max_curves));
    std::ranges::sort(order);
    std::vector<Curve> kept;
    for (std::size_t const i : order)
        kept.push_back(curves[i]);
    return kept;
}

std::string rates_of(Curve const& curve) {
    std::string data = fmt::format("# {}: x rate low high trial\n", file_name_part(curve.title));
    for (auto const& point : curve.points) {
        data += fmt::format("{} {} {} {} {}\n", to_cell(point.x), to_cell(100.0 * point.result->rate()),
                            to_cell(100.0 * point.result->rate_low), to_cell(100.0 * point.result->rate_high),
                            point.result->id);
    }
    return data + "\n\n";
}

std::vector<ControlBand> bands_of(SweepView const& sweep, std::string const& group, EditRule const& edit) {
    std::vector<ControlBand> bands;
    std::ranges::copy_if(sweep.controls, std::back_inserter(bands), [&](ControlBand const& band) {
        return band.group == group && band.edit == edit && !std::isnan(band.mean_rate);
    });
    std::ranges::stable_sort(bands, {}, &ControlBand::num_experts);
    return bands;
}

Figure curves_figure(RunView const& run, std::string name, std::string const& group, Axis const& axis,
                     std::vector<Curve> const& all, std::vector<ControlBand> const& bands) {
    std::vector<Curve> const curves = fewer(all);
    Figure figure;
    figure.name = std::move(name);
    figure.source = "tables/trials.csv, tables/trial_cells.csv and tables/controls.csv";
    figure.width = 760;
    figure.height = 420 + 20 * static_cast<int>(curves.size() + (bands.empty() ? 1 : 2));
    double const baseline = 100.0 * run.sweep->baseline(group).rate();
    double low = curves.front().points.front().x;
    double high = low;
    for (auto const& curve : curves) {
        low = std::min(low, curve.points.front().x);
        high = std::max(high, curve.points.back().x);
        figure.data += rates_of(curve);
    }
    std::string const file = data_file(figure.name);
    if (!bands.empty()) {
        figure.data += "# random sets: x lowest mean highest\n";
        for (auto const& band : bands) {
            figure.data += fmt::format("{} {} {} {}\n", band.num_experts, to_cell(100.0 * band.lowest_rate),
                                       to_cell(100.0 * band.mean_rate), to_cell(100.0 * band.highest_rate));
        }
        figure.data += "\n\n";
        figure.plot = fmt::format(
            "plot {0} index {1} using 1:2:4 with filledcurves fc rgb '{2}' fs solid 1.0 noborder notitle, \\\n     "
            "{0} index {1} using 1:3 with linespoints pt 2 ps 0.7 lw 1.5 lc rgb '{3}' title 'random sets: mean, "
            "and "
            "band from lowest to highest', \\\n     ",
            file, curves.size(), hex(band_colour), hex(band_mean_colour));
    } else {
        figure.plot = "plot ";
    }
    figure.plot += fmt::format("{} with lines dt 2 lw 1.5 lc rgb 'black' title 'baseline, nothing edited'",
                               std::isnan(baseline) ? "NaN" : to_cell(baseline));
    // Later marks are smaller, so that those which coincide show one inside the other.
    for (std::size_t i = 0; i < curves.size(); ++i) {
        figure.plot += fmt::format(
            ", \\\n     {} index {} using 1:2 with linespoints lw 2 dt {} pt {} ps {:.2f} lc rgb '{}' title {}", file,
            i, i / 6 + 1, point_types[i % 6], 1.5 - 0.08 * static_cast<double>(i), hex(group_colour(i)),
            gnuplot_quoted(shortened(curves[i].title, 80)));
    }
    double const margin = axis.ticks == Axis::Ticks::whole ? 0.4 : 0.05 * (high - low);
    figure.settings = fmt::format(
        "set title {}\nset xlabel {} offset 0,0.5\nset ylabel 'refusals, % of prompts'\n"
        "set key outside bottom center vertical maxcols 1 Left reverse noenhanced\nset yrange [-3:103]\n"
        "set xrange [{:.6g}:{:.6g}]\n{}",
        gnuplot_quoted(fmt::format("{}, group {}", axis.title, shortened(group, 30))), gnuplot_quoted(axis.label),
        low - margin, high + margin, axis.ticks == Axis::Ticks::whole && high <= 20 ? "set xtics 1\n" : "");
    if (axis.ticks == Axis::Ticks::any) figure.settings += "set format x '%.3g'\n";
    return figure;
}

}  // namespace

std::vector<Figure> curve_figures(RunView const& run) {
    std::vector<Figure> figures;
    if (!run.sweep) return figures;
    for (auto const& group : run.sweep->groups) {
        EditRule const edit = curve_edit(*run.sweep, group);
        auto const by_size = curves_over_size(*run.sweep, group, edit);
        if (has_two_places(by_size)) {
            figures.push_back(
                curves_figure(run, sweep_figure_name(run, "sweep_dose_size", group), group,
                              {"Refusals by number of experts edited", "experts in the set", Axis::Ticks::whole},
                              by_size, bands_of(*run.sweep, group, edit)));
        }
        for (auto const& signal : sweep_signals(*run.sweep)) {
            auto const by_threshold = curves_over_threshold(*run.sweep, group, signal, edit);
            if (by_threshold.empty()) continue;
            figures.push_back(curves_figure(
                run, sweep_figure_name(run, "sweep_dose_threshold_" + file_name_part(signal), group), group,
                {fmt::format("Refusals by gap threshold, {}", signal), "gap threshold of the class", Axis::Ticks::any},
                by_threshold, {}));
        }
    }
    return figures;
}

}  // namespace gatesweep
