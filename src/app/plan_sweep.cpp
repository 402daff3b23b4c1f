#include "plan_sweep.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "analysis_parameters.h"
#include "gatesweep/analysis/stored_signals.h"
#include "gatesweep/base/error.h"
#include "setup.h"
#include "stored_run.h"
#include "sweep_bound.h"
#include "sweep_measures.h"

namespace gatesweep {

SweepWork sweep_work(Inputs const& inputs, std::int64_t num_trials) {
    SweepSpec const& sweep = inputs.job.sweep;
    auto const rows = sweep_rows(inputs);
    SweepWork out;
    out.num_trials = num_trials;
    out.num_prompts = std::ssize(rows);
    out.num_sequences = num_trials * out.num_prompts;
    for (auto row : rows)
        out.prompt_tokens += num_trials * std::ssize(inputs.token_ids[static_cast<std::size_t>(row)]);
    out.max_new_tokens = out.num_sequences * sweep.max_new_tokens;
    for (auto row : rows_of_groups(inputs, sweep.side_effects))
        out.max_text_tokens +=
            num_trials * (std::ssize(inputs.token_ids[static_cast<std::size_t>(row)]) + sweep.max_new_tokens);
    return out;
}

TrialPlan plan_from_run(Inputs const& inputs, ModelConfig const& config, std::filesystem::path const& folder) {
    validate_run_folder(folder);
    AnalysisInput input = read_signals(folder);
    auto const& shape = input.activation_counts.shape;
    bool const same = input.prompt_ids == inputs.prompt_ids && input.groups == inputs.groups &&
                      input.num_tokens == inputs.prompt_tokens() && shape[1] == config.num_layers &&
                      shape[2] == config.num_experts;
    GATESWEEP_VALIDATE(
        same, ExitCode::bad_data,
        "{}: its arrays are of other prompts or of another model than this job's (its sets would be other "
        "ones): name the folder of a run of this job, or leave --out away",
        folder.string());
    input.top_k = config.top_k;
    input.parameters = analysis_parameters(inputs.job.analysis, inputs.marks);
    return plan_trials(inputs.job.sweep, inputs.job.analysis, analyze(input));
}

std::string bound_text(SweepSpec const& sweep, ModelConfig const& config) {
    SweepBound const bound = sweep_bound(sweep, config.num_layers * config.num_experts);
    return fmt::format(
        "at most {} trials: the baseline, {} cells, {} random controls (which sets are equal or empty is known "
        "after the analysis: plan again with --out)",
        bound.max_trials(), bound.num_cells, bound.max_random);
}

std::string exact_text(TrialPlan const& plan) {
    std::vector<std::string> parts;
    for (TrialKind const kind :
         {TrialKind::selected, TrialKind::reverse, TrialKind::bottom, TrialKind::custom, TrialKind::random}) {
        auto const count =
            std::count_if(plan.trials.begin(), plan.trials.end(), [&](Trial const& t) { return t.kind == kind; });
        if (count > 0) parts.push_back(fmt::format("{} {}", count, to_string(kind)));
    }
    auto const none =
        std::count_if(plan.cells.begin(), plan.cells.end(), [](GridCell const& c) { return c.trial_id.empty(); });
    return fmt::format("{} trials: the baseline{}{} ({} of {} cells are sets that an earlier one has, {} come to none)",
                       plan.trials.size(), parts.empty() ? "" : ", ", fmt::join(parts, ", "), plan.num_merged_cells(),
                       plan.cells.size(), none);
}

}  // namespace gatesweep
