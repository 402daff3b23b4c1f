// The sweep of a job: plan on the final rank, generation and scoring on all, tables on the final rank.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/model/mixtral.h"
#include "gatesweep/model/router_edits.h"
#include "gatesweep/report/tables.h"
#include "gatesweep/sweep/label_validation.h"
#include "gatesweep/sweep/outcomes.h"
#include "gatesweep/sweep/trial_plan.h"
#include "run_session.h"

namespace gatesweep {

// Collective. `input` and `analysis` are the final rank's, null elsewhere; the model is given up once nothing needs it
// any more (a judge may need its memory). Returns timings of what this start computed, whole on the final rank. Errors:
// ExitCode::stopped on every rank when told to stop, with everything finished committed.
std::vector<PhaseTiming> run_sweep(Setup const& setup, std::unique_ptr<Mixtral> model, RunSession& session,
                                   AnalysisInput const* input, AnalysisResult const* analysis);

// How far the labeller agrees with people: on the job's validation file, and on replies of the sweep that they
// labelled.
struct LabellerErrors {
    std::optional<LabelQuality> by_validation, beside_people;
};

// Variant t is trial t; variant 0, the baseline, edits nothing.
RouterEdits edit_table(TrialPlan const& plan);

// Every table of a sweep but screen.csv; `by`: the job's [report] by.
void write_sweep_tables(TrialPlan const& plan, SweepOutcomes const& outcomes, LabellerErrors const& errors,
                        std::string const& by, PromptMetadata const& metadata, RunDirectory& run);
// The one that depends on `by`.
void write_category_effects(TrialPlan const& plan, SweepOutcomes const& outcomes, std::string const& by,
                            PromptMetadata const& metadata, RunDirectory& run);

}  // namespace gatesweep
