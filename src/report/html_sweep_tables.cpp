#include "html_sweep_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "html_sweep.h"
#include "html_sweep_parts.h"
#include "sweep_facts.h"
#include "text.h"

namespace gatesweep {
namespace {

constexpr std::size_t max_trial_rows = 2000;  // a browser lays this many out at once
constexpr std::size_t max_reasons = 20;
constexpr std::array refined_order = {"full_refusal", "partial_refusal", "full_compliance", "incoherent", "unscored"};

// Replies that are no language: the sum of what the table counts.
HtmlCell broken_cell(TrialResult const& result) {
    std::int64_t sum = 0;
    bool is_counted = false;
    for (auto const* name : {"incoherent", "empty", "repetitive"}) {
        auto const found = result.counts.find(name);
        if (found == result.counts.end()) continue;
        sum += found->second;
        is_counted = true;
    }
    return is_counted ? count_cell(sum) : HtmlCell("");
}

void add_side_columns(RunView const& run, HtmlTable& table) {
    for (auto const& group : run.sweep->side_groups) {
        table.columns.push_back({fmt::format("{} change", group_html(run, group)), HtmlColumn::Kind::number,
                                 "change of refusals on the watched group, points"});
        table.columns.push_back({"perplexity", HtmlColumn::Kind::number, "on the watched group, times the baseline's"});
    }
}

void add_side_cells(SweepView const& sweep, TrialResult const& result, std::vector<HtmlCell>& row) {
    for (auto const& group : sweep.side_groups) {
        TrialResult const* const beside = sweep.find(result.id, group);
        bool const has_change = beside && !std::isnan(beside->difference);
        row.push_back(has_change ? HtmlCell(points_text(beside->difference), beside->difference) : HtmlCell(""));
        row.push_back(optional_cell(beside ? beside->perplexity_ratio : not_measured));
    }
}

std::string trials_table(RunView const& run, std::string const& group) {
    SweepView const& sweep = *run.sweep;
    auto results = strongest_first(sweep, group, {"selected", "custom", "reverse", "bottom", "random"});
    std::size_t const num_all = results.size();
    results.resize(std::min(num_all, max_trial_rows));
    results.insert(results.begin(), &sweep.baseline(group));
    HtmlTable table{fmt::format("Every trial on {}, the largest effect first", group_html(run, group)),
                    {{"set"}, {"kind", HtmlColumn::Kind::word}, {"experts"}}};
    for (auto const& [title, hint] : {std::pair{"number", "of experts"},
                                      {"refusals, %", "95 % interval (Wilson)"},
                                      {"change, points", "paired, 95 % interval (Newcombe)"},
                                      {"p", "exact McNemar test"},
                                      {"q", "Benjamini-Hochberg over the selected sets, of your own sets over those"},
                                      {"p of random", "rank among its random sets"}}) {
        table.columns.push_back({title, HtmlColumn::Kind::number, hint});
    }
    add_side_columns(run, table);
    table.columns.push_back({"traffic, %", HtmlColumn::Kind::number,
                             "share of the baseline's routed traffic that went to the edited experts"});
    table.columns.push_back({"broken", HtmlColumn::Kind::number, "replies that are incoherent, empty or repetitive"});
    for (auto const* result : results) {
        std::vector<HtmlCell> row = {set_html(sweep, *result),   result->kind,
                                     experts_html(*result, 24),  count_cell(result->num_experts()),
                                     rate_cell(*result),         difference_cell(*result),
                                     p_cell(result->p_exact),    p_cell(result->q_value),
                                     p_cell(result->p_empirical)};
        add_side_cells(sweep, *result, row);
        row.push_back(std::isnan(result->traffic_removed)
                          ? HtmlCell("")
                          : HtmlCell(fmt::format("{:.3g}", 100.0 * result->traffic_removed), result->traffic_removed));
        row.push_back(broken_cell(*result));
        table.rows.push_back(std::move(row));
    }
    std::string const note =
        num_all <= max_trial_rows
            ? ""
            : fmt::format(
                  "<p class=\"note\">The {} largest effects of {} trials; tables/trials.csv below has all.</p>\n",
                  count_text(max_trial_rows), count_text(static_cast<std::int64_t>(num_all)));
    return note + fmt::format("<div class=\"tall\">{}</div>\n", table.html());
}

// The paper's form: rows before, columns after.
std::string two_by_two(RunView const& run, TrialResult const& result) {
    HtmlTable table{fmt::format("{} on {}<br>{}", set_html(*run.sweep, result), group_html(run, result.group),
                                experts_html(result)),
                    {{"baseline", HtmlColumn::Kind::word}},
                    {},
                    Sorting::fixed};
    for (auto const* title : {"then restricted", "then non-restricted", "all"})
        table.columns.push_back({title, HtmlColumn::Kind::number});
    auto const add = [&](char const* name, std::int64_t restricted, std::int64_t non_restricted) {
        table.rows.push_back(
            {name, count_cell(restricted), count_cell(non_restricted), count_cell(restricted + non_restricted)});
    };
    add("restricted", result.r_to_r, result.r_to_n);
    add("non-restricted", result.n_to_r, result.n_to_n);
    add("all", result.r_to_r + result.n_to_r, result.r_to_n + result.n_to_n);
    return fmt::format("<div>{}<p class=\"note\">{} points {}; {}, mid-{}</p></div>\n", table.html(),
                       points_text(result.difference),
                       interval_html(points_text(result.difference_low), points_text(result.difference_high)),
                       html_escape(p_text("p", result.p_exact)), html_escape(p_text("p", result.p_mid)));
}

std::string refined_labels(RunView const& run, std::string const& group) {
    SweepView const& sweep = *run.sweep;
    HtmlTable table{fmt::format("Labels in full on {}: number of replies", group_html(run, group)), {{"set"}}};
    std::vector<std::string> labels;
    for (auto const* label :
         {"full_refusal", "partial_refusal", "full_compliance", "incoherent", "unscored", "empty", "repetitive"}) {
        if (!sweep.baseline(group).counts.contains(label)) continue;
        labels.emplace_back(label);
        table.columns.push_back({label, HtmlColumn::Kind::number});
    }
    if (labels.empty()) return {};
    std::vector<TrialResult const*> rows = strongest_of_signals(sweep, group);
    rows.insert(rows.begin(), &sweep.baseline(group));
    std::ranges::copy(controls_beside(sweep, group), std::back_inserter(rows));
    for (auto const* result : rows) {
        table.rows.push_back({set_html(sweep, *result)});
        for (auto const& label : labels) {
            auto const found = result->counts.find(label);
            table.rows.back().push_back(found == result->counts.end() ? HtmlCell("") : count_cell(found->second));
        }
    }
    return table.html() +
           "<p class=\"note\">Refusals, full or partial, are restricted; compliance and incoherent text are not; what "
           "could not be judged (unscored) is in neither. Empty and repetitive replies are counted beside the "
           "labels.</p>\n";
}

std::string refined_transitions(RunView const& run, TrialResult const& best) {
    if (!run.has("transitions")) return {};
    CsvTable const& transitions = run.table("transitions");
    std::vector<std::string> labels;
    std::map<std::pair<std::string, std::string>, std::int64_t> counts;
    for (std::size_t row = 0; row < transitions.rows.size(); ++row) {
        if (transitions.text(row, "trial_id") != best.id || transitions.text(row, "group") != best.group) continue;
        std::pair const pair{transitions.text(row, "baseline"), transitions.text(row, "trial")};
        counts[pair] += transitions.integer(row, "count");
        for (auto const& label : {pair.first, pair.second}) {
            if (std::ranges::find(labels, label) == labels.end()) labels.push_back(label);
        }
    }
    std::ranges::stable_sort(labels, {}, [](std::string const& label) {
        return std::ranges::find(refined_order, label) - refined_order.begin();  // unknown ones last
    });
    if (counts.empty()) return {};
    HtmlTable table{fmt::format("From which label to which, {}", set_html(*run.sweep, best)),
                    {{"baseline", HtmlColumn::Kind::word}},
                    {},
                    Sorting::fixed};
    for (auto const& label : labels)
        table.columns.push_back({"then " + html_escape(label), HtmlColumn::Kind::number});
    for (auto const& before : labels) {
        table.rows.push_back({html_escape(before)});
        for (auto const& after : labels)
            table.rows.back().push_back(count_cell(counts[{before, after}]));
    }
    return table.html();
}

}  // namespace

std::string trials_section(RunView const& run) {
    if (!run.sweep) return {};
    std::string body =
        "<p>Press a column's title to sort. A change is the refusal rate with the set minus the baseline's, on the "
        "same "
        "prompts.</p>\n";
    for (auto const& group : run.sweep->groups)
        body += trials_table(run, group);
    return section("trials", "Every trial", body + labeller_line(run));
}

std::string transitions_section(RunView const& run) {
    if (!run.sweep) return {};
    SweepView const& sweep = *run.sweep;
    std::string body =
        "<p>How many prompts changed sides, and which way: the table of the paper, for the strongest set of each "
        "signal. "
        "Only the prompts that changed carry evidence of an effect.</p>\n";
    for (auto const& group : sweep.groups) {
        TrialResult const& baseline = sweep.baseline(group);
        body +=
            fmt::format("<p>Baseline on {}: {} restricted, {} non-restricted of {} prompts, {} % {}.</p>\n",
                        group_html(run, group), count_text(baseline.restricted), count_text(baseline.non_restricted),
                        count_text(baseline.num_prompts), percent_text(baseline.rate()),
                        interval_html(percent_text(baseline.rate_low), percent_text(baseline.rate_high)));
        std::string tables;
        for (auto const* result : strongest_of_signals(sweep, group))
            tables += two_by_two(run, *result);
        body += fmt::format("<div class=\"triple\">\n{}</div>\n", tables) + refined_labels(run, group);
        if (TrialResult const* const best = strongest(sweep, group)) body += refined_transitions(run, *best);
    }
    return section("transitions", "Which prompts changed", body + labeller_line(run));
}

std::string grid_section(RunView const& run) {
    if (!run.sweep || run.sweep->cells.empty()) return {};
    SweepView const& sweep = *run.sweep;
    std::map<std::string, std::int64_t> outcomes;
    std::map<std::string, std::int64_t> reasons;
    for (auto const& cell : sweep.cells) {
        bool const is_merged = cell.outcome.starts_with("same as ");
        bool const is_refused = cell.outcome.starts_with("refused");
        ++outcomes[is_merged ? "same as another" : is_refused ? "refused" : cell.outcome];
        if (is_refused) ++reasons[cell.outcome];
    }
    std::map<std::string, std::int64_t> kinds;
    for (auto const& result : sweep.results) {
        if (result.group == sweep.groups.front()) ++kinds[result.kind];
    }
    std::string body = fmt::format(
        "<p>The job's grid has <b>{}</b> cells, which come to <b>{}</b> distinct sets. Cells that ask for a set "
        "another "
        "already has, and share its trial: {}. Without an expert in their class: {}. Refused: {}.</p>\n",
        count_text(static_cast<std::int64_t>(sweep.cells.size())), count_text(outcomes["trial"]),
        count_text(outcomes["same as another"]), count_text(outcomes["no expert in the class"]),
        count_text(outcomes["refused"]));
    HtmlTable table{"Trials by kind", {{"kind"}, {"trials", HtmlColumn::Kind::number}}, {}, Sorting::fixed};
    for (auto const* kind : {"baseline", "selected", "custom", "reverse", "bottom", "random"}) {
        if (kinds[kind] > 0) table.rows.push_back({kind, count_cell(kinds[kind])});
    }
    body += table.html();
    if (!reasons.empty()) {
        HtmlTable refused{"Refused cells", {{"why"}, {"cells", HtmlColumn::Kind::number}}, {}, Sorting::fixed};
        for (auto const& [reason, count] : reasons) {
            if (refused.rows.size() < max_reasons)
                refused.rows.push_back({html_escape(shortened(reason, 200)), count_cell(count)});
        }
        body += refused.html();
        if (reasons.size() > max_reasons)
            body += fmt::format("<p class=\"note\">{} more reasons stand in tables/trial_cells.csv.</p>\n",
                                reasons.size() - max_reasons);
    }
    return section("grid", "The grid and what became of it", body);
}

}  // namespace gatesweep
