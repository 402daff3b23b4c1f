#include "gatesweep/sweep/category_effects.h"

#include <algorithm>

#include "gatesweep/store/table_catalogue.h"
#include "gatesweep/sweep/trial_effects.h"
#include "gatesweep/sweep/trial_table.h"

namespace gatesweep {
namespace {

// Rows of the outcomes by category, categories in the order in which they appear.
std::vector<std::pair<std::string, std::vector<std::size_t>>> rows_by_category(
    SweepOutcomes const& outcomes, std::string const& group, std::vector<std::string> const& categories) {
    std::vector<std::pair<std::string, std::vector<std::size_t>>> out;
    for (std::size_t row = 0; row < outcomes.group.size(); ++row) {
        if (outcomes.group[row] != group) continue;
        std::string const& category = categories[static_cast<std::size_t>(outcomes.prompt_index[row])];
        auto place = std::ranges::find(out, category, [](auto const& entry) { return entry.first; });
        if (place == out.end()) {
            out.emplace_back(category, std::vector<std::size_t>());
            place = out.end() - 1;
        }
        place->second.push_back(row);
    }
    return out;
}

}  // namespace

CsvTable category_effects_table(TrialPlan const& plan, SweepOutcomes const& outcomes, std::string const& by,
                                std::vector<std::string> const& categories) {
    CsvTable table = new_table("category_effects");
    for (std::string const& group : outcomes.groups()) {
        auto const by_category = rows_by_category(outcomes, group, categories);
        for (std::size_t t = 0; t < plan.trials.size(); ++t) {
            for (auto const& [category, rows] : by_category) {
                TrialEffect const effect = effect_on_rows(plan, outcomes, t, rows);
                PairedCounts const& pairs = effect.pairs;
                table.add(by, category, plan.trials[t].id, group, effect.num_prompts, effect.restricted,
                          effect.non_restricted, pairs.both, pairs.only_first, pairs.only_second, pairs.neither);
                auto& cells = table.rows.back();
                if (effect.difference && effect.test) {
                    for (double const value : {effect.difference->estimate, effect.difference->interval.low,
                                               effect.difference->interval.high, effect.test->exact})
                        cells.push_back(to_cell(value));
                }
                cells.resize(table.header.size());
            }
        }
    }
    return table;
}

}  // namespace gatesweep
