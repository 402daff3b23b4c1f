#include "harden_evaluation.h"

#include <algorithm>
#include <iterator>

#include "gatesweep/base/stop_request.h"
#include "gatesweep/comm/progress.h"
#include "gatesweep/run/reply_generation.h"
#include "gatesweep/sweep/generate_all.h"
#include "gatesweep/sweep/sweep_measures.h"
#include "span_work.h"

namespace gatesweep {
namespace {

// Variant k masks the first k experts.
RouterEdits suppressions(ModelConfig const& config, std::vector<ExpertId> const& experts) {
    RouterEdits edits(config.num_layers, config.num_experts);
    std::vector<RouterEdit> masked;
    for (ExpertId const id : experts) {
        masked.push_back({id.layer, id.expert});
        edits.add(EditMode::mask, EditScope::both, masked);
    }
    return edits;
}

}  // namespace

std::vector<std::int64_t> HeldOutRows::all() const {
    std::vector<std::int64_t> rows = harmful;
    rows.insert(rows.end(), benign.begin(), benign.end());
    rows.insert(rows.end(), near_miss.begin(), near_miss.end());
    return rows;
}

HeldOutRows held_out_rows(Inputs const& inputs) {
    HeldOutGroups const& groups = inputs.job.harden.held_out;
    return {rows_of_groups(inputs.groups, groups.harmful), rows_of_groups(inputs.groups, groups.benign),
            rows_of_groups(inputs.groups, groups.near_miss)};
}

Evaluation evaluate(Setup const& setup, Decoder const& model, EvaluationWork const& work, RunSession& session) {
    auto const& [inputs, config, layout, machine] = setup;
    RouterEdits const edits = suppressions(config, work.suppressed);
    auto const num_variants = static_cast<std::int32_t>(edits.num_variants());
    std::vector<std::int64_t> others = work.more_rows;
    std::ranges::copy(work.rows.benign, std::back_inserter(others));
    std::ranges::copy(work.rows.near_miss, std::back_inserter(others));
    std::ranges::sort(others);
    others.erase(std::unique(others.begin(), others.end()), others.end());
    session.expect(completion_record, num_variants * std::ssize(work.rows.harmful) + std::ssize(others));
    Progress progress(RunPhase::harden, "completions", layout.world);
    SweepContext const context{model,
                               layout,
                               edits,
                               inputs.token_ids,
                               inputs.job.signals.batch_tokens,
                               [&](std::int64_t done, std::int64_t all) { progress.update(done, all); },
                               &session.ledger(),
                               stop_request,
                               "harden " + work.model_name};
    GeneratorOptions const options = generator_options(setup, model, inputs.job.harden.max_new_tokens, 0);
    Evaluation out;
    out.completions = generate_all(context, work.rows.harmful, 0, num_variants, options).completions;
    std::vector<Completion> more = generate_all(context, others, 0, 1, options).completions;
    progress.finish();
    out.completions.insert(out.completions.end(), std::make_move_iterator(more.begin()),
                           std::make_move_iterator(more.end()));
    if (!work.texts.empty()) out.routing = evaluate_routing(setup, model, work, session);
    return out;
}

std::vector<SpanRouting> evaluate_routing(Setup const& setup, Decoder const& model, EvaluationWork const& work,
                                          RunSession& session) {
    SpanModel computing;
    computing.resident = &model;
    return measure_spans(setup, computing, {"harden text " + work.model_name, RunPhase::harden, work.texts, true},
                         session)
        .routing;
}

}  // namespace gatesweep
