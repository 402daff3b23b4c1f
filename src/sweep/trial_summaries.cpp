#include "gatesweep/sweep/trial_summaries.h"

#include <algorithm>
#include <span>

#include "gatesweep/store/table_catalogue.h"
#include "gatesweep/sweep/trial_effects.h"
#include "gatesweep/sweep/trial_table.h"

namespace gatesweep {
namespace {

std::vector<ControlShape> shapes_of_controls(TrialPlan const& plan) {
    std::vector<ControlShape> shapes;
    for (Trial const& trial : plan.trials) {
        ControlShape const shape = control_shape(trial);
        bool const known = std::find(shapes.begin(), shapes.end(), shape) != shapes.end();
        if (trial.kind == TrialKind::random && !known) shapes.push_back(shape);
    }
    return shapes;
}

struct ShapeValues {
    std::vector<double> rates, differences;
};

ShapeValues values_of(TrialPlan const& plan, GroupEffects const& group, ControlShape const& shape) {
    ShapeValues values;
    for (std::size_t t = 0; t < plan.trials.size(); ++t) {
        if (plan.trials[t].kind != TrialKind::random || !(control_shape(plan.trials[t]) == shape)) continue;
        if (auto const rate = group.trials[t].paired_rate()) values.rates.push_back(*rate);
        if (auto const& difference = group.trials[t].difference) values.differences.push_back(difference->estimate);
    }
    return values;
}

// Mean, lowest, highest; three empty cells of nothing.
std::vector<std::string> summary_cells(std::span<double const> values) {
    if (values.empty()) return std::vector<std::string>(3);
    double sum = 0.0;
    for (double const value : values)
        sum += value;
    auto const [lowest, highest] = std::minmax_element(values.begin(), values.end());
    return {to_cell(sum / static_cast<double>(values.size())), to_cell(*lowest), to_cell(*highest)};
}

}  // namespace

CsvTable transitions_table(TrialPlan const& plan, SweepOutcomes const& outcomes) {
    CsvTable table = new_table("transitions");
    auto const groups = trial_effects(plan, outcomes);
    for (std::size_t t = 0; t < plan.trials.size(); ++t) {
        if (plan.trials[t].kind == TrialKind::baseline) continue;
        for (GroupEffects const& group : groups) {
            for (Label const before : all_labels) {
                for (Label const after : all_labels) {
                    auto const count =
                        group.trials[t].transitions[static_cast<std::size_t>(before)][static_cast<std::size_t>(after)];
                    if (count == 0) continue;
                    table.add(plan.trials[t].id, group.group, to_string(before), to_string(after), count);
                }
            }
        }
    }
    return table;
}

CsvTable control_summary_table(TrialPlan const& plan, SweepOutcomes const& outcomes) {
    CsvTable table = new_table("controls");
    auto const shapes = shapes_of_controls(plan);
    for (GroupEffects const& group : trial_effects(plan, outcomes)) {
        for (ControlShape const& shape : shapes) {
            auto const [rates, differences] = values_of(plan, group, shape);
            table.add(group.group, shape.num_experts, to_string(shape.mode), to_string(shape.scope),
                      shape.dose ? to_cell(*shape.dose) : "", differences.size());
            for (auto const& values : {rates, differences}) {
                auto const cells = summary_cells(values);
                table.rows.back().insert(table.rows.back().end(), cells.begin(), cells.end());
            }
        }
    }
    return table;
}

}  // namespace gatesweep
