#include "gatesweep/run/sweep_phase.h"

#include <algorithm>
#include <iterator>
#include <span>

#include <boost/serialization/vector.hpp>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/stop_request.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/comm/progress.h"
#include "gatesweep/label/labelling.h"
#include "gatesweep/run/completions.h"
#include "gatesweep/run/reply_generation.h"
#include "gatesweep/run/screen.h"
#include "gatesweep/sweep/category_effects.h"
#include "gatesweep/sweep/generate_all.h"
#include "gatesweep/sweep/plan_edits.h"
#include "gatesweep/sweep/plan_serialization.h"
#include "gatesweep/sweep/plan_tables.h"
#include "gatesweep/sweep/sweep_measures.h"
#include "gatesweep/sweep/sweep_tables.h"
#include "gatesweep/sweep/tokens_affected.h"
#include "gatesweep/sweep/trial_summaries.h"
#include "gatesweep/sweep/trial_table.h"

#include "generated_phase.h"

namespace boost::serialization {
template <class Archive>
void serialize(Archive& a, gatesweep::ForcedText& x, unsigned int) {
    a& x.prompt& x.ids& x.num_prompt_tokens;
}
}  // namespace boost::serialization

namespace gatesweep {
namespace {

TrialPlan make_plan(Setup const& setup, AnalysisResult const* analysis) {
    ParallelLayout const& layout = setup.layout;
    TrialPlan plan;
    if (analysis) plan = plan_trials(setup.inputs.job.sweep, setup.inputs.job.analysis, *analysis);
    layout.world.broadcast_value(plan, layout.final_rank());
    if (layout.world.rank() == 0) {
        for (auto const& notice : plan.notices)
            warn(notice);
    }
    return plan;
}

void say_plan(TrialPlan const& plan, std::int64_t num_prompts, std::int64_t num_recorded) {
    auto const grid = std::count_if(plan.cells.begin(), plan.cells.end(),
                                    [](GridCell const& c) { return c.kind != TrialKind::custom; });
    auto const empty =
        std::count_if(plan.cells.begin(), plan.cells.end(), [](GridCell const& c) { return c.trial_id.empty(); });
    std::string text =
        fmt::format("{} trials ({} of {} cells were identical sets", plan.trials.size(), plan.num_merged_cells(), grid);
    if (empty > 0) text += fmt::format(", {} came to none", empty);
    text += fmt::format(") x {} prompts", num_prompts);
    std::int64_t const num_replies = std::ssize(plan.trials) * num_prompts;
    if (num_recorded > 0) text += fmt::format("; {} of {} replies are new", num_replies - num_recorded, num_replies);
    say("sweep", text);
}

// Whole on the final rank: slowest rank's seconds, everybody's tokens.
PhaseTiming timing(std::string phase, double seconds, std::int64_t tokens, Communicator const& world) {
    double const slowest = static_cast<double>(world.all_reduce_max(static_cast<std::int64_t>(seconds * 1e6))) * 1e-6;
    return {std::move(phase), slowest, world.all_reduce_sum(tokens)};
}

std::vector<Reply> replies_of(TrialPlan const& plan, Inputs const& inputs, std::vector<Completion> const& completions,
                              std::vector<std::optional<std::string>> const& texts) {
    std::vector<Reply> replies;
    for (std::size_t i = 0; i < completions.size(); ++i) {
        auto const prompt = static_cast<std::size_t>(completions[i].prompt);
        replies.push_back({plan.trials[static_cast<std::size_t>(completions[i].variant)].id, inputs.groups[prompt],
                           completions[i].prompt, inputs.prompt_texts[prompt], texts[i]});
    }
    return replies;
}

// Labels, and the tables and completions that follow from them. Collective.
void label_and_write(Setup const& setup, TrialPlan const& plan, std::vector<Completion> const& completions,
                     std::vector<ForcedScore> const& scores, AnalysisInput const* input, RunSession& session) {
    Inputs const& inputs = setup.inputs;
    std::vector<std::optional<std::string>> texts;
    if (setup.layout.is_final_rank()) texts = decode_completions(inputs, completions);
    auto const expect = [&](char const* kind, std::int64_t num_records) { session.expect(kind, num_records); };
    std::vector<Reply> const replies = replies_of(plan, inputs, completions, texts);
    LabelsSpec const& spec = inputs.job.sweep.labels;
    LabelledReplies const labels =
        label_replies(spec, setup.machine.device, setup.layout, replies, {session.ledger(), expect});
    LabellerErrors const errors = {measure_labeller(inputs.job, setup.machine.device, setup.layout),
                                   labeller_beside_people(spec, replies, labels)};
    enter_phase(RunPhase::tables);
    RunDirectory* const run = session.folder();
    if (!run) return;
    write_completions(plan, inputs, completions, texts, labels, *run);
    std::vector<MeasuredReply> measured;
    for (std::size_t i = 0; i < completions.size(); ++i)
        measured.push_back({completions[i].variant, completions[i].prompt, texts[i], labels.labels[i]});
    SweepOutcomes outcomes = collect_outcomes(inputs.job.sweep, inputs.groups, plan, measured,
                                              text_effects(inputs.groups, scores), input->activation_counts);
    outcomes.tokens_affected =
        tokens_affected(plan_edits(plan, setup.config.num_layers), inputs.groups, inputs.token_ids, completions);
    write_sweep_tables(plan, outcomes, errors, inputs.job.report.by, inputs.metadata, *run);
}

}  // namespace

std::vector<PhaseTiming> run_sweep(Setup const& setup, std::unique_ptr<Decoder> model, RunSession& session,
                                   AnalysisInput const* input, AnalysisResult const* analysis) {
    auto const& [inputs, config, layout, machine] = setup;
    Communicator const& world = layout.world;
    bool const shown = world.rank() == 0;
    TrialPlan const plan = make_plan(setup, analysis);
    RouterEdits const edits = plan_edits(plan, config.num_layers);
    std::vector<std::int64_t> const rows = sweep_rows(inputs.job.sweep, inputs.groups);
    GeneratorOptions const options =
        generator_options(setup, *model, inputs.job.sweep.max_new_tokens, inputs.job.sweep.slots);
    if (shown) {
        say_plan(plan, std::ssize(rows),
                 count_recorded(edits, inputs.token_ids, rows, options, [&](std::string const& key) {
                     return session.ledger().holds(completion_record, key);
                 }));
    }
    session.manifest().plan_digest = plan_digest(plan, inputs.token_ids, rows);
    auto const num_trials = static_cast<std::int32_t>(plan.trials.size());
    session.expect(completion_record, num_trials * std::ssize(rows));

    // The baseline once, for all: what its answers were is needed to force them on the trials.
    Progress baseline_progress(RunPhase::baseline, "completions", world);
    SweepContext context{*model,
                         layout,
                         edits,
                         inputs.token_ids,
                         inputs.job.signals.batch_tokens,
                         [&](std::int64_t done, std::int64_t all) { baseline_progress.update(done, all); },
                         &session.ledger(),
                         stop_request};
    GenerationResult baseline = generate_all(context, rows, 0, 1, options);
    baseline_progress.finish();
    std::vector<ForcedText> texts =
        forced_texts(baseline.completions, inputs.token_ids, inputs.groups, inputs.job.sweep.side_effects);
    world.broadcast_value(texts, layout.final_rank());
    count_generated(setup, *model, baseline.completions, input, session);
    session.expect(text_record, num_trials > 1 ? num_trials * std::ssize(texts) : 0);
    if (inputs.job.sweep.screen.enabled) run_screen(setup, *model, baseline.completions, analysis, session);

    Progress sweep_progress(RunPhase::sweep, "completions", world);
    context.progress = [&](std::int64_t done, std::int64_t all) { sweep_progress.update(done, all); };
    GenerationResult trials = generate_all(context, rows, 1, num_trials - 1, options);
    sweep_progress.finish();

    Progress text_progress(RunPhase::texts, "passes", world, counts_as(layout));
    context.progress = [&](std::int64_t done, std::int64_t all) { text_progress.update(done, all); };
    std::vector<ForcedScore> const scores =
        num_trials > 1 ? score_texts(context, texts, num_trials) : std::vector<ForcedScore>();
    text_progress.finish();
    std::int64_t num_scored = 0;
    for (ForcedText const& text : texts)
        num_scored += static_cast<std::int64_t>(text.ids.size()) * num_trials;
    // Texts are read as prompts are: in whole passes.
    PhaseTiming prefill = timing("sweep_prefill", baseline.stats.prefill_seconds + trials.stats.prefill_seconds,
                                 baseline.stats.prompt_tokens + trials.stats.prompt_tokens, world);
    prefill.seconds += text_progress.seconds();
    prefill.num_tokens += num_scored;
    std::vector<PhaseTiming> timings = {
        std::move(prefill), timing("sweep_decode", baseline.stats.decode_seconds + trials.stats.decode_seconds,
                                   baseline.stats.decode_tokens + trials.stats.decode_tokens, world)};

    enter_phase(RunPhase::labels);
    model.reset();
    std::vector<Completion> completions = std::move(baseline.completions);
    completions.insert(completions.end(), std::make_move_iterator(trials.completions.begin()),
                       std::make_move_iterator(trials.completions.end()));
    fail_once(world, [&] {
        if (layout.is_final_rank())
            require_tokens_affected(plan, tokens_affected(edits, inputs.groups, inputs.token_ids, completions));
    });
    label_and_write(setup, plan, completions, scores, input, session);
    return timings;
}

}  // namespace gatesweep
