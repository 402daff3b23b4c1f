#include "gatesweep/run/audit_phase.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gatesweep/base/log.h"
#include "gatesweep/base/words.h"
#include "gatesweep/run/audit_plan.h"
#include "gatesweep/store/table_catalogue.h"
#include "span_work.h"

namespace gatesweep {
namespace {

constexpr char const* record_kind = "audit text";

void say_plan(AuditPlan const& plan, Inputs const& inputs) {
    AuditParameters const& audit = inputs.job.audit;
    say("audit", "{} under {}; {}, {} tokens{}", plural(std::ssize(plan.pairs), "pair"),
        plural(std::ssize(audit.conditions), "condition"), plural(std::ssize(plan.texts), "text"), plan.num_tokens(),
        audit.has(AuditCondition::matched)
            ? fmt::format("; matched by the column \"{}\"", printable(matched_by(audit_prompts(inputs))))
            : "");
}

NdArray<double> shares_of_prompts(AuditPlan const& plan, RoutedTexts const& routed, std::size_t num_prompts) {
    NdArray<double> out({static_cast<std::int64_t>(num_prompts), routed.num_layers, routed.num_experts}, std::nan(""));
    for (std::size_t i = 0; i < plan.prompts.size(); ++i)
        std::ranges::copy(routed.texts[i].shares, out.row(plan.prompts[i]).begin());
    return out;
}

// The pairs of the plan from `begin` on that belong to one condition.
std::span<PlannedPair const> of_one_condition(AuditPlan const& plan, std::size_t begin) {
    std::span<PlannedPair const> const rest = std::span(plan.pairs).subspan(begin);
    auto const end =
        std::ranges::find_if(rest, [&](PlannedPair const& pair) { return pair.condition != rest.front().condition; });
    return rest.first(static_cast<std::size_t>(end - rest.begin()));
}

double mean(std::vector<double> const& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void add_rows(std::span<PlannedPair const> planned, std::vector<PairDivergence> const& found, AuditPlan const& plan,
              Inputs const& inputs, CsvTable& table) {
    for (std::size_t i = 0; i < planned.size(); ++i) {
        auto const& [condition, prompts, texts] = planned[i];
        table.add(table.rows.size(), facts_of(condition).word, prompts.a,
                  inputs.prompt_ids[static_cast<std::size_t>(prompts.a)], prompts.b,
                  inputs.prompt_ids[static_cast<std::size_t>(prompts.b)], plan.texts[texts.a].num_counted(),
                  plan.texts[texts.b].num_counted(), mean(found[i].js), mean(found[i].overlap));
    }
}

}  // namespace

std::optional<AuditPhase> measure_audit(Setup const& setup, LoadedModel& loaded, RunSession& session) {
    auto const& [inputs, config, layout, machine] = setup;
    if (!inputs.job.audit.is_wanted()) return std::nullopt;
    AuditPlan const plan = plan_audit(inputs);
    say_plan(plan, inputs);
    MeasuredSpans spans = measure_spans(setup, {loaded.resident(), loaded.streamed(), loaded.streaming()},
                                        {record_kind, RunPhase::audit, plan.texts, true}, session);
    AuditPhase out;
    out.timing = {"audit", spans.seconds, spans.num_tokens};
    if (!layout.is_final_rank()) return out;
    RoutedTexts const routed = routed_texts(plan.texts, std::move(spans.routing), config);
    out.measured.parameters = inputs.job.audit;
    out.measured.shares = shares_of_prompts(plan, routed, inputs.prompt_ids.size());
    out.pairs = new_table("audit_pairs");
    for (std::size_t begin = 0; begin < plan.pairs.size();) {
        auto const planned = of_one_condition(plan, begin);
        AuditCondition const condition = planned.front().condition;
        std::vector<TextPair> texts;
        for (PlannedPair const& pair : planned)
            texts.push_back(pair.texts);
        auto const found = divergences(
            routed, routed, texts, condition == AuditCondition::continuation ? OverlapOf::tokens : OverlapOf::vectors);
        add_pairs(out.measured, condition, found);
        add_rows(planned, found, plan, inputs, out.pairs);
        begin += planned.size();
    }
    return out;
}

}  // namespace gatesweep
