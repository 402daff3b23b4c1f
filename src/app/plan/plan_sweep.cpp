#include "plan_sweep.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <tuple>

#include "gatesweep/analysis/stored_signals.h"
#include "gatesweep/base/error.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/run/stored_run.h"
#include "gatesweep/run/work_log.h"
#include "gatesweep/store/record_merge.h"
#include "gatesweep/sweep/generate_all.h"
#include "gatesweep/sweep/plan_edits.h"
#include "gatesweep/sweep/single_experts.h"
#include "gatesweep/sweep/sweep_bound.h"
#include "gatesweep/sweep/sweep_context.h"
#include "gatesweep/sweep/sweep_measures.h"

namespace gatesweep {

namespace {

void add_screen(SweepWork& work, Inputs const& inputs, ModelConfig const& config) {
    ScreenSpec const& screen = inputs.job.sweep.screen;
    if (!screen.enabled) return;
    work.num_screened = config.num_sparse_layers() * config.num_experts;
    auto const openings = [](std::vector<std::string> const& named) {
        return named.empty() ? most_openers : std::ssize(named);
    };
    std::int64_t const num_openings = openings(screen.refusals) + openings(screen.compliances);
    for (std::int64_t row : screen_rows(inputs.job.sweep, inputs.groups)) {
        ++work.num_screen_prompts;
        work.max_screen_tokens += (work.num_screened + 1) * num_openings *
                                  (std::ssize(inputs.token_ids[static_cast<std::size_t>(row)]) + opener_tokens);
    }
}

}  // namespace

double share_of_layers_after(ModelConfig const& config) {
    double layers = 0.0;
    for (std::int64_t layer : config.sparse_layers())
        layers += static_cast<double>(config.num_layers - layer);
    return layers / static_cast<double>(config.num_sparse_layers() * config.num_layers);
}

SweepWork sweep_work(Inputs const& inputs, ModelConfig const& config, std::int64_t num_trials) {
    SweepSpec const& sweep = inputs.job.sweep;
    auto const rows = sweep_rows(inputs.job.sweep, inputs.groups);
    SweepWork out;
    out.num_trials = num_trials;
    out.num_prompts = std::ssize(rows);
    out.num_sequences = num_trials * out.num_prompts;
    for (auto row : rows)
        out.prompt_tokens += num_trials * std::ssize(inputs.token_ids[static_cast<std::size_t>(row)]);
    out.max_new_tokens = out.num_sequences * sweep.max_new_tokens;
    for (auto row : rows_of_groups(inputs.groups, sweep.side_effects))
        out.max_text_tokens +=
            num_trials * (std::ssize(inputs.token_ids[static_cast<std::size_t>(row)]) + sweep.max_new_tokens);
    add_screen(out, inputs, config);
    return out;
}

namespace {

// The prompts that the choice of sets depends on, in their order.
std::vector<std::tuple<std::string, std::string, std::int64_t>> compared_prompts(
    AnalysisParameters const& roles, std::vector<std::string> const& ids, std::vector<std::string> const& groups,
    std::vector<std::int64_t> const& tokens) {
    std::vector<std::tuple<std::string, std::string, std::int64_t>> out;
    for (std::size_t p = 0; p < ids.size(); ++p) {
        if (groups[p] == roles.benign || groups[p] == roles.malicious) out.emplace_back(ids[p], groups[p], tokens[p]);
    }
    return out;
}

}  // namespace

TrialPlan plan_from_run(Inputs const& inputs, ModelConfig const& config, std::filesystem::path const& folder) {
    validate_run_folder(folder);
    AnalysisInput input = read_signals(folder);
    auto const& shape = input.activation_counts.shape;
    AnalysisParameters const& roles = inputs.job.analysis;
    bool const same = compared_prompts(roles, input.prompt_ids, input.groups, input.num_tokens) ==
                          compared_prompts(roles, inputs.prompt_ids, inputs.groups, inputs.prompt_tokens()) &&
                      shape[1] == config.num_sparse_layers() && shape[2] == config.num_experts;
    GATESWEEP_VALIDATE(same, ExitCode::bad_data,
                       "{}: its arrays are of other prompts in the two compared groups, or of another model, than this "
                       "job's (its sets "
                       "would be other ones): name the folder of a run of this job, or leave --out away",
                       folder.string());
    input.moe_layers = MoeLayers(config.sparse_layers());
    input.top_k = config.top_k;
    input.parameters = inputs.job.analysis;
    input.scores = inputs.job.scores;
    input.imported = inputs.imported;
    input.marks = inputs.marks;
    return plan_trials(inputs.job.sweep, inputs.job.analysis, analyze(input));
}

std::int64_t recorded_replies(Inputs const& inputs, ModelConfig const& config, TrialPlan const& plan,
                              std::filesystem::path const& folder) {
    std::vector<RecordLog> logs;
    for (auto const& file : list_logs(folder / "log", work_log_kind))
        logs.push_back(read_log(file));
    MergedRecords const records = merge_logs(logs);
    GeneratorOptions options;
    options.max_new_tokens = inputs.job.sweep.max_new_tokens;
    options.eos_token_ids = config.eos_token_ids;
    return count_recorded(plan_edits(plan, config.num_layers), inputs.token_ids,
                          sweep_rows(inputs.job.sweep, inputs.groups), options,
                          [&](std::string const& key) { return records.find(completion_record, key) != nullptr; });
}

std::string bound_text(SweepSpec const& sweep, ModelConfig const& config) {
    SweepBound const bound = sweep_bound(sweep, config.num_sparse_layers() * config.num_experts);
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
