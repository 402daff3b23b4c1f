#include "html_sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "figure_scripts.h"
#include "figures_curves.h"
#include "figures_effects.h"
#include "gatesweep/report/evidence.h"
#include "gnuplot.h"
#include "html_figures.h"
#include "html_sweep_parts.h"
#include "sweep_curves.h"
#include "sweep_facts.h"
#include "text.h"

namespace gatesweep {
namespace {

std::string how_chosen(TrialResult const& best) {
    if (best.kind == "custom") return fmt::format("Named in the job as \"{}\".", html_escape(best.name));
    std::string const limit =
        std::isnan(best.gap_threshold) ? "" : fmt::format(" with a gap of at least {:.4g}", best.gap_threshold);
    return fmt::format("Chosen by {}: the highest of the class {}{}.", html_escape(best.signal),
                       html_escape(best.expert_class), limit);
}

std::size_t num_sets(SweepView const& sweep) {
    std::set<std::string> ids;
    for (auto const& result : sweep.results) {
        if (result.kind != "baseline") ids.insert(result.id);
    }
    return ids.size();
}

std::string verdict_html(SweepView const& sweep, TrialResult const& set) {
    switch (evidence_of(sweep, set)) {
        case Evidence::beyond_chance:
            return "<li><b>Beyond chance:</b> q is at most 0.05, and random sets do not do as much.</li>\n";
        case Evidence::within_chance:
            return "<li><b>Within chance:</b> counting all sets that were tried, or beside its random sets, such an "
                   "effect is no surprise.</li>\n";
        case Evidence::not_compared:
            break;
    }
    return "<li><b>Not compared with random sets:</b> what editing any experts at all does is not known.</li>\n";
}

// Rates without the labeller's error, where a validation file gives it.
std::string corrected_item(SweepView const& sweep, TrialResult const& set) {
    TrialResult const& baseline = sweep.baseline(set.group);
    if (std::isnan(baseline.rate_corrected) || std::isnan(set.rate_corrected)) return {};
    auto const rate = [](TrialResult const& result) {
        return fmt::format(
            "{} % {}", percent_text(result.rate_corrected),
            interval_html(percent_text(result.rate_corrected_low), percent_text(result.rate_corrected_high)));
    };
    return fmt::format("<li>Without the labeller's error: {} before, {} after.</li>\n", rate(baseline), rate(set));
}

std::string strongest_card(RunView const& run, TrialResult const& best) {
    SweepView const& sweep = *run.sweep;
    bool const is_clear = evidence_of(sweep, best) != Evidence::within_chance;
    std::string const title = best.kind == "custom" ? "The strongest of your sets"
                              : is_clear            ? "The strongest set"
                                                    : "No set changed refusals beyond chance; the largest effect";
    std::string body = fmt::format(
        "<h3>{}</h3>\n<p class=\"big\">{} % &#8594; {} %</p>\n<p class=\"note\">of the replies to {} "
        "refuse, before and after</p>\n<ul>\n{}<li>{} {}: {}. {}</li>\n",
        title, percent_text(best.rate_before()), percent_text(best.rate_after()), group_html(run, best.group),
        verdict_html(sweep, best),
        best.num_experts() == 1 ? "One expert" : fmt::format("{} experts", best.num_experts()),
        html_escape(edit_verb(best.edit)), experts_html(best), how_chosen(best));
    body += fmt::format(
        "<li>Paired difference {} points, 95 % interval {} to {}: {} prompts stopped being refused, {} began to be, "
        "{} stayed on their side.</li>\n",
        points_text(best.difference), points_text(best.difference_low), points_text(best.difference_high),
        count_text(best.r_to_n), count_text(best.n_to_r), count_text(best.r_to_r + best.n_to_n));
    body += fmt::format("<li>Exact McNemar test of no effect: {}", html_escape(p_text("p", best.p_exact)));
    if (!std::isnan(best.q_value)) {
        body += fmt::format("; counting all {} {} sets (Benjamini-Hochberg): {}",
                            strongest_first(sweep, best.group, {best.kind}).size(), best.kind,
                            html_escape(p_text("q", best.q_value)));
    }
    return fmt::format("<div class=\"card\">{}.</li>\n{}</ul></div>\n", body, corrected_item(sweep, best));
}

std::string control_items(RunView const& run, TrialResult const& best) {
    SweepView const& sweep = *run.sweep;
    std::string items;
    if (ControlBand const* const band = sweep.control_of(best)) {
        items += fmt::format(
            "<li><b>Random sets.</b> {} like it (as many experts, from the same layers unless the job says otherwise) "
            "leave {} % refusals on average (lowest {} %, highest {} %).{}"
            "</li>\n",
            band->num_random, percent_text(band->mean_rate), percent_text(band->lowest_rate),
            percent_text(band->highest_rate),
            std::isnan(best.p_empirical)
                ? ""
                : fmt::format(" Share of them with as large an effect, this set counted among them: {:.2g}.",
                              best.p_empirical));
    } else {
        items +=
            "<li><b>Random sets.</b> None was tried, so an effect of editing any experts at all "
            "cannot be told apart: set <code>sweep.controls.random</code>.</li>\n";
    }
    for (auto const& [kind, title] :
         {std::pair{"reverse", "Opposite class"}, {"bottom", "Experts with the smallest gaps"}}) {
        auto const found = strongest_first(sweep, best.group, {kind});
        if (found.empty()) continue;
        items += fmt::format("<li><b>{}.</b> The largest effect of {} set{} is {} points.</li>\n", title, found.size(),
                             found.size() == 1 ? "" : "s", points_text(found.front()->difference));
    }
    return items;
}

std::string side_items(RunView const& run, TrialResult const& best) {
    SweepView const& sweep = *run.sweep;
    std::string items;
    for (auto const& group : sweep.side_groups) {
        TrialResult const* const beside = sweep.find(best.id, group);
        if (!beside) continue;
        items += fmt::format(
            "<li><b>Side effects on</b> {}<b>.</b> Refusals {} % before, {} % after{}{}.</li>\n",
            group_html(run, group), percent_text(sweep.baseline(group).rate()), percent_text(beside->rate()),
            std::isnan(beside->perplexity_ratio) ? "" : fmt::format("; perplexity x{:.3g}", beside->perplexity_ratio),
            std::isnan(beside->mean_kl) ? "" : fmt::format("; mean KL {:.2g} nats", beside->mean_kl));
    }
    std::string broken;
    for (auto const* count : {"incoherent", "empty", "repetitive", "unscored"}) {
        auto const found = best.counts.find(count);
        if (found == best.counts.end()) continue;
        broken += fmt::format("{}{} {}", broken.empty() ? "" : ", ", found->second, count);
    }
    if (!broken.empty()) {
        items += fmt::format("<li><b>Is it still language?</b> Of {} replies to {}: {}.</li>\n",
                             count_text(best.num_prompts), group_html(run, best.group), broken);
    }
    return items;
}

std::string signals_table(RunView const& run, std::string const& group) {
    SweepView const& sweep = *run.sweep;
    HtmlTable table{fmt::format("The largest effect of each signal, and your own sets, on {}", group_html(run, group)),
                    {{"signal", HtmlColumn::Kind::word}, {"class", HtmlColumn::Kind::word}, {"experts"}}};
    for (auto const* title : {"refusals, %", "change, points", "p", "q", "p of random"})
        table.columns.push_back({title, HtmlColumn::Kind::number});
    table.columns.push_back({"random sets, %", HtmlColumn::Kind::number, "mean refusal rate of its random sets"});
    for (auto const* result : strongest_of_signals(sweep, group)) {
        ControlBand const* const band = sweep.control_of(*result);
        table.rows.push_back(
            {result->kind == "custom" ? fmt::format("custom: {}", html_escape(shortened(result->name, 40)))
                                      : html_escape(result->signal),
             html_escape(result->expert_class), experts_html(*result), rate_cell(*result), difference_cell(*result),
             p_cell(result->p_exact), p_cell(result->q_value), p_cell(result->p_empirical),
             band ? HtmlCell(percent_text(band->mean_rate), band->mean_rate) : HtmlCell("")});
    }
    return table.html();
}

std::string forest_html(RunView const& run, std::string const& group) {
    SweepView const& sweep = *run.sweep;
    auto const all = strongest_first(sweep, group, {"selected", "custom", "reverse", "bottom"});
    std::string const note =
        all.size() > max_forest_rows
            ? fmt::format(
                  " The {} most telling of {} sets: the largest effects, and at least {} controls where there "
                  "are so many; the table below has all.",
                  max_forest_rows, all.size(), max_forest_rows / 4)
            : "";
    if (std::ranges::all_of(all, [](auto const* result) { return std::isnan(result->difference); })) {
        return "<p class=\"note\">No effect plot: no set has a measured effect.</p>\n";
    }
    return figure_html(
        run, sweep_figure_name(run, "sweep_effects", group),
        "Change of the refusal rate with each set, on the same prompts, with its 95 % interval; the grey "
        "bar is what its random sets do." +
            note);
}

}  // namespace

std::string sweep_section(RunView const& run) {
    if (!run.sweep) return {};
    SweepView const& sweep = *run.sweep;
    std::string body = fmt::format(
        "<p>Signals only say which experts <em>look</em> important. Here the model replied to the same prompts again "
        "and "
        "again, each time with another set of experts edited in the router ({} sets), and once with nothing edited, "
        "the "
        "<em>baseline</em>. Each reply was labelled a refusal or not. An effect is a difference on the same "
        "prompts.</p>\n",
        count_text(static_cast<std::int64_t>(num_sets(sweep))));
    for (auto const& group : sweep.groups) {
        if (sweep.groups.size() > 1) body += fmt::format("<h3>On {}</h3>\n", group_html(run, group));
        TrialResult const* const best = strongest(sweep, group);
        if (!best) {
            body += "<p><b>No set of experts was tried.</b> The bookkeeping of the grid below says why.</p>\n";
            continue;
        }
        body += side_by_side({strongest_card(run, *best),
                              fmt::format("<div class=\"card\"><h3>What speaks for and against it</h3>\n<ul>\n{}{}</ul>"
                                          "</div>\n",
                                          control_items(run, *best), side_items(run, *best))});
        body += labeller_note(run);
        body += signals_table(run, group);
        body += forest_html(run, group);
    }
    return section("sweep", "What suppressing experts does", body);
}

std::string doses_section(RunView const& run) {
    if (!run.sweep) return {};
    SweepView const& sweep = *run.sweep;
    std::string body =
        "<p>If a set carries refusal, more of it should take more away, and the curve should leave the grey band of "
        "random sets. A curve ends where its class has no more experts.</p>\n";
    for (auto const& group : sweep.groups) {
        EditRule const edit = curve_edit(sweep, group);
        bool const has_others = std::ranges::any_of(sweep.results, [&](TrialResult const& result) {
            return result.kind == "selected" && !(result.edit == edit);
        });
        if (has_others) {
            body += fmt::format(
                "<p class=\"note\">Drawn for the edit of the strongest set: {}. The table has the "
                "others.</p>\n",
                html_escape(edit_text(edit)));
        }
        auto const by_size = curves_over_size(sweep, group, edit);
        if (has_two_places(by_size)) {
            body += figure_html(
                run, sweep_figure_name(run, "sweep_dose_size", group),
                fmt::format("Refusal rate by number of experts, for each signal, class and gap "
                            "threshold; coinciding curves are one.{}",
                            by_size.size() > max_curves
                                ? fmt::format(" The {} of {} with the largest effects.", max_curves, by_size.size())
                                : ""));
        } else {
            body +=
                "<p class=\"note\">No curve over set size: every signal and class was tried with a single size. Give "
                "<code>sweep.sizes</code> several.</p>\n";
        }
        for (auto const& signal : sweep_signals(sweep)) {
            if (!find_signal(signal)) continue;  // a provider without limits
            auto const curves = curves_over_threshold(sweep, group, signal, edit);
            if (curves.empty()) {
                body += fmt::format(
                    "<p class=\"note\">No curve over the gap threshold of {0}: a single threshold was "
                    "tried. Give <code>sweep.gap_thresholds.{0}</code> several.</p>\n",
                    html_escape(signal));
                continue;
            }
            body += figure_html(
                run, sweep_figure_name(run, "sweep_dose_threshold_" + file_name_part(signal), group),
                fmt::format("Refusal rate by gap threshold of {}, for fixed set sizes; coinciding curves are one.{}",
                            signal,
                            curves.size() > max_curves
                                ? fmt::format(" The {} of {} with the largest effects.", max_curves, curves.size())
                                : ""));
        }
    }
    return section("doses", "More experts, higher thresholds",
                   fmt::format("<div class=\"plots\">{}</div>\n", body) + labeller_line(run));
}

}  // namespace gatesweep
