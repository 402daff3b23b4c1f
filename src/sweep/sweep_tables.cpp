#include "gatesweep/sweep/sweep_tables.h"

#include "gatesweep/sweep/category_effects.h"
#include "gatesweep/sweep/plan_tables.h"
#include "gatesweep/sweep/trial_summaries.h"
#include "gatesweep/sweep/trial_table.h"

namespace gatesweep {

void write_category_effects(TrialPlan const& plan, SweepOutcomes const& outcomes, std::string const& by,
                            PromptMetadata const& metadata, RunDirectory& run) {
    if (by.empty()) {
        run.remove_table("category_effects");
    } else {
        run.write_table("category_effects", category_effects_table(plan, outcomes, by, metadata.column(by)));
    }
}

void write_sweep_tables(TrialPlan const& plan, SweepOutcomes const& outcomes, LabellerErrors const& errors,
                        std::string const& by, PromptMetadata const& metadata, RunDirectory& run) {
    auto const& validation = errors.by_validation;
    run.write_table("trials",
                    trials_table(plan, outcomes, validation ? std::optional(validation->counts) : std::nullopt));
    run.write_table("trial_cells", trial_cells_table(plan));
    run.write_table("trial_experts", trial_experts_table(plan));
    run.write_table("trial_controls", trial_controls_table(plan));
    run.write_table("transitions", transitions_table(plan, outcomes));
    run.write_table("controls", control_summary_table(plan, outcomes));
    write_category_effects(plan, outcomes, by, metadata, run);
    std::vector<LabelQuality> qualities;
    for (auto const& quality : {errors.by_validation, errors.beside_people}) {
        if (quality) qualities.push_back(*quality);
    }
    if (qualities.empty()) {
        run.remove_table("label_quality");
    } else {
        run.write_table("label_quality", label_quality_table(qualities));
    }
}

}  // namespace gatesweep
