#include "html_categories.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "gatesweep/report/evidence.h"
#include "html_sweep.h"
#include "html_sweep_parts.h"
#include "sweep_facts.h"
#include "text.h"
#include "trial_results.h"

namespace gatesweep {
namespace {

constexpr std::int64_t few_pairs = 30;  // below, an interval spans half of what there is
constexpr std::size_t max_sets = 8;

// A trial on the prompts of one category of a group.
struct CategoryEffect {
    std::int64_t num_pairs = 0;
    double before = not_measured, after = not_measured;
    double difference = not_measured, low = not_measured, high = not_measured;
};

using EffectsOfTrial = std::map<std::string, CategoryEffect>;  // by category

struct GroupCategories {
    std::vector<std::string> categories;              // in the table's order
    std::map<std::string, EffectsOfTrial> of_trials;  // by trial id
};

GroupCategories read_group(CsvTable const& table, std::string const& group) {
    GroupCategories out;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        if (table.text(row, "group") != group) continue;
        std::string const& category = table.text(row, "category");
        if (std::ranges::find(out.categories, category) == out.categories.end()) out.categories.push_back(category);
        double const r_to_r = optional_number(table, row, "r_to_r"), r_to_n = optional_number(table, row, "r_to_n");
        double const n_to_r = optional_number(table, row, "n_to_r"), n_to_n = optional_number(table, row, "n_to_n");
        double const pairs = r_to_r + r_to_n + n_to_r + n_to_n;
        CategoryEffect effect{static_cast<std::int64_t>(pairs)};
        if (pairs > 0) {
            effect.before = (r_to_r + r_to_n) / pairs;
            effect.after = (r_to_r + n_to_r) / pairs;
        }
        effect.difference = optional_number(table, row, "risk_difference");
        effect.low = optional_number(table, row, "ci_low");
        effect.high = optional_number(table, row, "ci_high");
        out.of_trials[table.text(row, "trial_id")][category] = effect;
    }
    return out;
}

HtmlCell effect_cell(CategoryEffect const& effect) {
    if (std::isnan(effect.difference)) return "";
    return {fmt::format("{} {}", points_text(effect.difference),
                        interval_html(points_text(effect.low), points_text(effect.high))),
            effect.difference};
}

std::string group_table(RunView const& run, std::string const& group) {
    SweepView const& sweep = *run.sweep;
    GroupCategories const found = read_group(run.table("category_effects"), group);
    auto sets = headline_sets(sweep, group);
    sets.resize(std::min(sets.size(), max_sets));
    auto const baseline = found.of_trials.find(sweep.baseline(group).id);
    if (baseline == found.of_trials.end() || sets.empty()) return {};
    HtmlTable table{fmt::format("Change of the refusal rate on {} by {}, points", group_html(run, group),
                                html_escape(shortened(run.job.by, 40))),
                    {{html_escape(shortened(run.job.by, 40))},
                     {"prompts", HtmlColumn::Kind::number},
                     {"baseline, %", HtmlColumn::Kind::number, "refusals without edits"}}};
    for (auto const* set : sets)
        table.columns.push_back({set_html(sweep, *set), HtmlColumn::Kind::number});
    std::size_t num_small = 0;
    for (auto const& category : found.categories) {
        CategoryEffect const& before = baseline->second.at(category);
        bool const is_small = before.num_pairs < few_pairs;
        num_small += is_small ? 1 : 0;
        std::string const name =
            category.empty() ? "<span class=\"absent\">(none)</span>" : html_escape(shortened(category, 60));
        table.rows.push_back({name + (is_small ? " *" : ""), count_cell(before.num_pairs),
                              HtmlCell(percent_text(before.after), before.after)});
        for (auto const* set : sets) {
            auto const of_set = found.of_trials.find(set->id);
            bool const is_there = of_set != found.of_trials.end() && of_set->second.contains(category);
            table.rows.back().push_back(is_there ? effect_cell(of_set->second.at(category)) : HtmlCell(""));
        }
    }
    std::string const small =
        num_small == 0
            ? ""
            : fmt::format(
                  "<p class=\"labeller alert\"><b>* Small cells:</b> {} of {} categories have fewer than {} prompts. "
                  "Their intervals are wide, and among so many categories some differ by chance.</p>\n",
                  num_small, found.categories.size(), few_pairs);
    return table.html() + small;
}

}  // namespace

std::string categories_section(RunView const& run) {
    if (!run.sweep || !run.has("category_effects")) return {};
    std::string body =
        "<p>The sets of the result, category by category. No category is tested by itself: what stands out here is a "
        "question for new prompts.</p>\n";
    std::vector<std::string> groups = run.sweep->groups;
    groups.insert(groups.end(), run.sweep->side_groups.begin(), run.sweep->side_groups.end());
    for (auto const& group : groups)
        body += group_table(run, group);
    return section("categories", "Effects by category", body + labeller_line(run));
}

}  // namespace gatesweep
