#include "gatesweep/sweep/plan_tables.h"

#include "gatesweep/sweep/trial_plan.h"

#include "gatesweep/store/table_catalogue.h"

namespace gatesweep {

CsvTable trial_cells_table(TrialPlan const& plan) {
    CsvTable table = new_table("trial_cells");
    auto const number = [](std::optional<double> value) { return value ? to_cell(*value) : std::string(); };
    for (GridCell const& cell : plan.cells) {
        table.add(to_string(cell.kind), cell.signal, cell.expert_class, number(cell.gap_threshold), cell.size,
                  to_string(cell.mode), to_string(cell.scope), number(cell.dose), cell.trial_id, cell.outcome,
                  cell.name);
    }
    return table;
}

CsvTable trial_experts_table(TrialPlan const& plan) {
    CsvTable table = new_table("trial_experts");
    for (Trial const& trial : plan.trials) {
        for (ExpertEdit const& edit : trial.edits)
            table.add(trial.id, edit.id.layer, edit.id.expert, edit.value);
    }
    return table;
}

CsvTable trial_controls_table(TrialPlan const& plan) {
    CsvTable table = new_table("trial_controls");
    for (Trial const& trial : plan.trials) {
        for (std::string const& control : trial.controls)
            table.add(trial.id, control);
    }
    return table;
}

}  // namespace gatesweep
