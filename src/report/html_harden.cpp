#include "html_harden.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "gnuplot.h"
#include "heatmap.h"
#include "html_figures.h"
#include "html_parts.h"
#include "palette.h"
#include "sweep_facts.h"
#include "text.h"
#include "trial_results.h"

namespace gatesweep {
namespace {

constexpr char const* loss_figure = "harden_loss";
constexpr char const* robustness_figure = "harden_robustness";
constexpr std::string_view hardened = "selected", base = "base";

struct GateCell {
    double value = 0.0, low = 0.0, high = 0.0;
    std::optional<double> limit;
    bool passed = true;
};

struct GateView {
    std::vector<std::string> arms, gates;  // in the order of the table
    std::map<std::pair<std::string, std::string>, GateCell> cells;

    GateCell const* find(std::string_view arm, std::string_view gate) const {
        auto const found = cells.find({std::string(arm), std::string(gate)});
        return found == cells.end() ? nullptr : &found->second;
    }
    std::vector<std::string> failed(std::string_view arm) const {
        std::vector<std::string> out;
        for (std::string const& gate : gates) {
            GateCell const* const cell = find(arm, gate);
            if (cell && !cell->passed) out.push_back(gate);
        }
        return out;
    }
};

void add_once(std::vector<std::string>& list, std::string const& word) {
    if (std::ranges::find(list, word) == list.end()) list.push_back(word);
}

GateView read_gates(RunView const& run) {
    GateView view;
    CsvTable const& table = run.table("harden_gates");
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        std::string const &arm = table.text(row, "arm"), &gate = table.text(row, "gate");
        add_once(view.arms, arm);
        add_once(view.gates, gate);
        double const limit = optional_number(table, row, "limit");
        view.cells[{arm, gate}] = {table.number(row, "value"), table.number(row, "low"), table.number(row, "high"),
                                   std::isnan(limit) ? std::nullopt : std::optional(limit),
                                   table.text(row, "passed") != "false"};
    }
    return view;
}

std::string gate_text(GateCell const& cell) {
    std::string text = number_text(cell.value);
    if (cell.low != cell.high) text += fmt::format(" ({} to {})", number_text(cell.low), number_text(cell.high));
    if (cell.limit && !cell.passed) text += fmt::format(", fails: the limit is {}", number_text(*cell.limit));
    return text;
}

std::string gates_html(GateView const& view) {
    HtmlTable table{"Every gate of every arm, with 95 % intervals; what fails is said",
                    {{"gate", HtmlColumn::Kind::word}}};
    for (std::string const& arm : view.arms)
        table.columns.push_back({arm});
    for (std::string const& gate : view.gates) {
        std::vector<HtmlCell> cells = {gate};
        for (std::string const& arm : view.arms) {
            GateCell const* const cell = view.find(arm, gate);
            cells.push_back(cell ? gate_text(*cell) : std::string());
        }
        table.rows.push_back(std::move(cells));
    }
    return table.html();
}

std::string arms_html(RunView const& run) {
    CsvTable const& arms = run.table("harden_arms");
    HtmlTable table{"What each arm trained",
                    {{"arm", HtmlColumn::Kind::word},
                     {"rank", HtmlColumn::Kind::number},
                     {"parameters", HtmlColumn::Kind::number},
                     {"steps", HtmlColumn::Kind::number},
                     {"experts"}}};
    for (std::size_t row = 0; row < arms.rows.size(); ++row) {
        std::int64_t const num = arms.integer(row, "num_experts");
        constexpr std::int64_t most = 16;  // named one by one
        table.rows.push_back({arms.text(row, "arm"), count_cell(arms.integer(row, "rank")),
                              count_cell(arms.integer(row, "num_parameters")), count_cell(arms.integer(row, "steps")),
                              num > most ? fmt::format("{} experts", num) : arms.text(row, "experts")});
    }
    return table.html();
}

// An arm has the same colour in every figure.
std::size_t place_of(std::string const& arm) {
    constexpr std::array arms = {"base", "selected", "random", "all-experts", "attention"};
    return static_cast<std::size_t>(std::ranges::find(arms, arm) - arms.begin());
}

// A figure's columns: x, then a column for each arm; cells that are missing are NaN.
struct Curves {
    std::vector<std::string> arms;
    std::map<std::int64_t, std::map<std::string, double>> points;

    void add(std::string const& arm, std::int64_t x, double y) {
        add_once(arms, arm);
        points[x][arm] = y;
    }
    std::string data(char const* x) const {
        std::string out = fmt::format("# {} {}\n", x, fmt::join(arms, " "));
        for (auto const& [at, values] : points) {
            out += std::to_string(at);
            for (std::string const& arm : arms)
                out += " " + (values.contains(arm) ? to_cell(values.at(arm)) : "nan");
            out += '\n';
        }
        return out;
    }
    std::string plot(std::string const& name, char const* style) const {
        std::string out = "plot ";
        for (std::size_t i = 0; i < arms.size(); ++i) {
            out += fmt::format("{}{} using 1:{} with {} lw 2 dt {} lc rgb '{}' title {}", i ? ", \\\n     " : "",
                               data_file(name), i + 2, style, place_of(arms[i]) % 4 + 1,
                               hex(group_colour(place_of(arms[i]))), gnuplot_quoted(arms[i]));
        }
        return out;
    }
};

Figure figure_of(char const* name, char const* source, Curves const& curves, char const* x, std::string settings,
                 char const* style) {
    Figure figure;
    figure.name = name;
    figure.source = source;
    figure.data = curves.data(x);
    figure.settings = "set key outside bottom center horizontal noenhanced\n" + std::move(settings);
    figure.plot = curves.plot(name, style);
    return figure;
}

}  // namespace

std::vector<Figure> harden_figures(RunView const& run) {
    if (!run.has("harden_steps") || !run.has("harden_robustness")) return {};
    Curves losses, refusals;
    CsvTable const &steps = run.table("harden_steps"), &robustness = run.table("harden_robustness");
    for (std::size_t row = 0; row < steps.rows.size(); ++row)
        losses.add(steps.text(row, "arm"), steps.integer(row, "step"), steps.number(row, "loss"));
    for (std::size_t row = 0; row < robustness.rows.size(); ++row)
        refusals.add(robustness.text(row, "arm"), robustness.integer(row, "num_suppressed"),
                     robustness.number(row, "refusal"));
    return {figure_of(loss_figure, "tables/harden_steps.csv", losses, "step",
                      "set title 'Loss of the hardening'\nset xlabel 'step' offset 0,0.4\nset ylabel 'loss, nats'\nset "
                      "yrange [0:*]\n",
                      "lines"),
            figure_of(robustness_figure, "tables/harden_robustness.csv", refusals, "suppressed",
                      "set title 'Refusals left under suppression'\nset xlabel 'suppressed experts' offset 0,0.4\n"
                      "set ylabel 'harmful prompts refused, %'\nset yrange [0:100]\nset xtics 1\n",
                      "linespoints pt 7 ps 0.6")};
}

std::string harden_headline(RunView const& run) {
    if (!run.has("harden_gates")) return {};
    GateView const view = read_gates(run);
    GateCell const *const before = view.find(base, "held_out_refusal"), *const after =
                                                                            view.find(hardened, "held_out_refusal");
    if (!before || !after) return {};
    std::vector<std::string> const failed = view.failed(hardened);
    return fmt::format("hardened: refusal of held-out harmful prompts {} % -> {} %; {}",
                       percent_text(before->value / 100), percent_text(after->value / 100),
                       failed.empty() ? "accepted: every gate is passed"
                                      : fmt::format("not accepted: {} not passed", fmt::join(failed, ", ")));
}

std::string harden_section(RunView const& run) {
    if (!run.has("harden_gates")) return {};
    GateView const view = read_gates(run);
    std::string body = fmt::format(
        "<p>{}. The arms are judged on prompts that none was trained on, each as a later job would load it. "
        "<em>random</em>, <em>all-experts</em> and <em>attention</em> were trained on the same prompts for the same "
        "number of steps: what they reach too is no merit of the selected experts. The objective is our reading of "
        "RASET (cross-entropy of refusals, KL to the base model on benign prompts); the router is not trained, yet "
        "routes move with the hidden states, which <em>js</em> and <em>overlap</em> measure.</p>\n",
        html_escape(harden_headline(run)));
    body += gates_html(view) + arms_html(run);
    body += figure_html(run, robustness_figure,
                        "Refusals left when the experts that carried them are suppressed, before and after.");
    body += figure_html(run, loss_figure, "Loss of each arm, step by step.");
    return section("harden", "Hardening", body);
}

}  // namespace gatesweep
