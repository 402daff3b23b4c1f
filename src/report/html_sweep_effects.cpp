#include "html_sweep_effects.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "figure_scripts.h"
#include "figures_heatmaps.h"
#include "gatesweep/analysis/rank_correlation.h"
#include "gnuplot.h"
#include "heatmap.h"
#include "html_figures.h"
#include "html_heatmap.h"
#include "html_sweep.h"
#include "html_sweep_parts.h"
#include "sweep_facts.h"
#include "text.h"

namespace gatesweep {
namespace {

constexpr std::size_t max_single_rows = 64;

// Sets of one expert, each once, strongest first.
std::vector<TrialResult const*> single_experts(SweepView const& sweep, std::string const& group) {
    auto found = strongest_first(sweep, group, {"selected", "custom", "reverse", "bottom", "random"});
    std::vector<TrialResult const*> singles;
    for (auto const* result : found) {
        bool const is_new = std::ranges::none_of(singles, [&](auto const* other) {
            return other->experts == result->experts && other->edit == result->edit;
        });
        if (result->num_experts() == 1 && is_new) singles.push_back(result);
    }
    return singles;
}

std::string singles_text(RunView const& run, std::string const& group, std::vector<TrialResult const*> const& singles) {
    TrialResult const& best = *singles.front();
    TrialResult const* const set = strongest(*run.sweep, group);
    auto const num_clear = std::ranges::count_if(singles, [](auto const* result) { return result->p_exact < 0.05; });
    std::string text = fmt::format(
        "<p>{} edited alone. The strongest, {}, takes refusals on {} from {} % to {} % ({} points); {} of "
        "them reach p &lt; 0.05 by themselves.",
        singles.size() == 1 ? "One expert was" : fmt::format("{} experts were", singles.size()), experts_html(best),
        group_html(run, group), percent_text(run.sweep->baseline(group).rate()), percent_text(best.rate()),
        points_text(best.difference), num_clear);
    if (set && set->num_experts() > 1) {
        text += fmt::format(" The strongest set of {} experts moves them by {} points.", set->num_experts(),
                            points_text(set->difference));
    }
    return text + "</p>\n";
}

std::string singles_table(RunView const& run, std::string const& group, std::vector<TrialResult const*> const& singles,
                          ScreenMap const* screen) {
    HtmlTable table{fmt::format("Single experts on {}, largest effect first", group_html(run, group)),
                    {{"expert"},
                     {"kind", HtmlColumn::Kind::word},
                     {"refusals, %", HtmlColumn::Kind::number},
                     {"change, points", HtmlColumn::Kind::number},
                     {"p", HtmlColumn::Kind::number}}};
    if (screen) table.columns.push_back({"margin, nats", HtmlColumn::Kind::number, "change of the refusal margin"});
    double largest = 0.0;
    for (auto const* result : singles)
        largest = std::max(largest, std::isnan(result->difference) ? 0.0 : std::abs(100.0 * result->difference));
    for (auto const* result : singles) {
        if (table.rows.size() == max_single_rows) break;
        ExpertId const id = result->experts.front();
        table.rows.push_back({expert_cell(id), result->kind, rate_cell(*result),
                              gap_cell(100.0 * result->difference, largest), p_cell(result->p_exact)});
        if (screen) {
            table.rows.back().push_back(optional_cell(screen->change[run.cell(id)]));
        }
    }
    return fmt::format("<div class=\"tall\">{}</div>\n", table.html());
}

std::string correlation_text(RunView const& run, std::vector<TrialResult const*> const& singles,
                             ScreenMap const& screen) {
    std::map<ExpertId, std::pair<double, double>> pairs;  // an expert may be tried in several modes: the first counts
    for (auto const* result : singles) {
        ExpertId const id = result->experts.front();
        pairs.emplace(id, std::pair{screen.change[run.cell(id)], result->difference});
    }
    std::vector<double> changes;
    std::vector<double> differences;
    for (auto const& [id, pair] : pairs) {
        changes.push_back(pair.first);
        differences.push_back(pair.second);
    }
    double const correlation = rank_correlation(changes, differences);
    if (std::isnan(correlation)) {
        return "<p>How well the screen foretells what generating shows cannot be said: it takes three experts, "
               "screened "
               "and tried alone, with different effects.</p>\n";
    }
    return fmt::format(
        "<p>Rank correlation of the screen with what generating shows, over the {} experts tried alone: <b>{:.2f}</b>. "
        "Near 1, the cheap screen can choose what to try.</p>\n",
        pairs.size(), correlation);
}

std::string screen_html(RunView const& run, ScreenMap const& screen) {
    return heatmap_html(run,
                        fmt::format("Change of the refusal margin on {} with the expert edited alone, nats",
                                    group_html(run, screen.group)),
                        fmt::format("Heatmap of the change of the refusal margin on group {}", screen.group),
                        screen.change, zero_centred_scale(screen.change)) +
           fmt::format(
               "<p class=\"note\">Blue: the model leans less towards refusing without this expert, which "
               "therefore carries refusal. Grey: not measured. Also <code>figures/{}</code>.</p>\n",
               screen_figure_name(run, screen.group));
}

ScreenMap const* screen_of(SweepView const& sweep, std::string const& group) {
    auto const found = std::ranges::find(sweep.screens, group, &ScreenMap::group);
    return found == sweep.screens.end() ? nullptr : &*found;
}

std::string side_table(RunView const& run, std::string const& group, std::string const& side_group) {
    SweepView const& sweep = *run.sweep;
    HtmlTable table{fmt::format("On {}, for the strongest sets by their effect on {}", group_html(run, side_group),
                                group_html(run, group)),
                    {{"set"}}};
    for (auto const& [title, hint] :
         {std::pair{"refusals, %", "on the watched group"},
          {"change, points", "paired, with its 95 % interval"},
          {"p", "exact McNemar test"},
          {"perplexity", "times the baseline's, teacher forced"},
          {"mean KL, nats", "of the baseline's next-token distribution to the trial's, per token"},
          {"traffic, %", "of routed tokens that went to the edited experts at baseline"}}) {
        table.columns.push_back({title, HtmlColumn::Kind::number, hint});
    }
    std::vector<TrialResult const*> sets = strongest_of_signals(sweep, group);
    sets.insert(sets.begin(), &sweep.baseline(group));
    std::ranges::copy(controls_beside(sweep, group), std::back_inserter(sets));
    for (auto const* set : sets) {
        TrialResult const* const beside = sweep.find(set->id, side_group);
        if (!beside) continue;
        table.rows.push_back({set_html(sweep, *set), rate_cell(*beside), difference_cell(*beside),
                              p_cell(beside->p_exact), optional_cell(beside->perplexity_ratio),
                              optional_cell(beside->mean_kl), optional_cell(100.0 * beside->traffic_removed)});
    }
    return table.html();
}

}  // namespace

std::string single_experts_section(RunView const& run) {
    if (!run.sweep) return {};
    SweepView const& sweep = *run.sweep;
    std::string body;
    for (auto const& group : sweep.groups) {
        auto const singles = single_experts(sweep, group);
        ScreenMap const* const screen = screen_of(sweep, group);
        if (singles.empty()) {
            body += fmt::format("<p>No expert was edited alone on {}: put 1 into <code>sweep.sizes</code>.</p>\n",
                                group_html(run, group));
        } else {
            body += singles_text(run, group, singles);
        }
        std::string const table = singles.empty() ? "" : singles_table(run, group, singles, screen);
        std::string const map = screen ? screen_html(run, *screen) + correlation_text(run, singles, *screen) : "";
        body += map.empty() || table.empty() ? table + map : side_by_side({table, map});
    }
    for (auto const& screen : sweep.screens) {
        if (std::ranges::find(sweep.groups, screen.group) == sweep.groups.end()) body += screen_html(run, screen);
    }
    return section("single", "What single experts carry", body + labeller_line(run));
}

std::string side_effects_section(RunView const& run) {
    if (!run.sweep) return {};
    SweepView const& sweep = *run.sweep;
    std::string body;
    if (sweep.side_groups.empty()) {
        body =
            "<p>No group was watched for side effects, so nothing here says whether the model is otherwise unharmed: "
            "name groups in <code>sweep.side_effects</code>.</p>\n";
        return section("side", "Side effects", body);
    }
    body =
        "<p>A set that breaks the model also stops it refusing. A clean effect leaves refusals of harmless prompts and "
        "the perplexity of their text where they were.</p>\n";
    for (auto const& side_group : sweep.side_groups) {
        for (auto const& group : sweep.groups)
            body += side_table(run, group, side_group);
        std::string const end = side_group == sweep.side_groups.front()
                                    ? ""
                                    : fmt::format("_{}", part_among(sweep.side_groups, side_group));
        auto const picture = [&](std::string const& stem, double TrialResult::*value, std::string const& caption) {
            bool const is_measured = std::ranges::any_of(sweep.results, [&](TrialResult const& result) {
                return result.group == side_group && result.kind != "baseline" && std::isfinite(result.*value);
            });
            return is_measured ? figure_html(run, stem + end, caption) : std::string();
        };
        body +=
            side_by_side({picture("sweep_side_effects", &TrialResult::perplexity_ratio,
                                  "Effect on refusals against perplexity; each mark is a set."),
                          picture("sweep_side_effects_refusal", &TrialResult::difference,
                                  "Effect on refusals against refusals of the watched group; each mark is a set.")});
    }
    return section("side", "Side effects", body + labeller_line(run));
}

}  // namespace gatesweep
