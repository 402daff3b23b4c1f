#include "gatesweep/run/audit_plan.h"

#include <algorithm>
#include <map>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

class Planner {
public:
    explicit Planner(Inputs const& inputs) : inputs_(inputs), prompts_(audit_prompts(inputs)) {
        plan_.prompts = audited_prompts(prompts_);
        for (std::int64_t const p : plan_.prompts) {
            text_of_[p] = plan_.texts.size();
            auto const& ids = ids_of(p);
            plan_.texts.push_back({ids, 0, std::ssize(ids)});
        }
    }

    void add(AuditCondition condition) {
        std::size_t number = 0;
        for (PromptPair const pair : audit_pairs(condition, prompts_, who_needs(condition)))
            plan_.pairs.push_back({condition, pair, texts_of(condition, pair, number++)});
    }
    AuditPlan take() { return std::move(plan_); }

private:
    using Ids = std::vector<std::int32_t>;

    Ids const& ids_of(std::int64_t prompt) const { return inputs_.token_ids[static_cast<std::size_t>(prompt)]; }

    std::size_t add_text(std::int64_t prompt, Ids const& behind, std::int64_t num_behind, bool counts_prompt) {
        Ids ids = ids_of(prompt);
        std::int64_t const first = counts_prompt ? 0 : std::ssize(ids);
        ids.insert(ids.end(), behind.begin(), behind.begin() + num_behind);
        std::int64_t const last = std::ssize(ids);
        plan_.texts.push_back({std::move(ids), first, last});
        return plan_.texts.size() - 1;
    }

    TextPair texts_of(AuditCondition condition, PromptPair pair, std::size_t number) {
        if (needs_topics(condition)) return {text_of_.at(pair.a), text_of_.at(pair.b)};
        auto const& [refusals, compliances] = inputs_.audit;
        Ids const& refusal = refusals[number % refusals.size()];
        if (condition == AuditCondition::refusal_prefix)
            return {text_of_.at(pair.a), add_text(pair.b, refusal, std::ssize(refusal), true)};
        Ids const& answer = compliances[number % compliances.size()];
        auto const num = std::min(std::ssize(refusal), std::ssize(answer));
        std::size_t const a = add_text(pair.a, refusal, num, false);
        return {a, add_text(pair.b, answer, num, false)};
    }

    Inputs const& inputs_;
    AuditPrompts prompts_;
    AuditPlan plan_;
    std::map<std::int64_t, std::size_t> text_of_;
};

}  // namespace

std::int64_t AuditPlan::num_tokens() const {
    std::int64_t sum = 0;
    for (CountedSpan const& text : texts)
        sum += std::ssize(text.token_ids);
    return sum;
}

AuditPrompts audit_prompts(Inputs const& inputs) {
    return {inputs.prompt_ids, inputs.groups, inputs.metadata, inputs.job.analysis, inputs.job.audit};
}

AuditPlan plan_audit(Inputs const& inputs) {
    if (!inputs.job.audit.is_wanted()) return {};
    Planner planner(inputs);
    for (AuditCondition const condition : inputs.job.audit.conditions)
        planner.add(condition);
    return planner.take();
}

std::string checked_audit(Inputs const& inputs, ModelConfig const& config) {
    AuditPlan const plan = plan_audit(inputs);
    FastDigest digest;
    digest.add(inputs.audit.digest());
    auto const add = [&](AuditCondition condition, PromptPair pair) {
        digest.add(fmt::format("{} {} {}", facts_of(condition).word, pair.a, pair.b));
    };
    for (PlannedPair const& pair : plan.pairs) {
        add(pair.condition, pair.prompts);
        for (std::size_t const text : {pair.texts.a, pair.texts.b}) {
            auto const& ids = plan.texts[text].token_ids;
            GATESWEEP_VALIDATE(std::ssize(ids) <= config.max_position_embeddings, ExitCode::job,
                               "[audit]: prompt {} has {} tokens with the text of {} behind it, more than the model's "
                               "{} positions: shorten the text, or leave the prompt out",
                               inputs.prompt_ids[static_cast<std::size_t>(pair.prompts.a)], ids.size(),
                               who_needs(pair.condition), config.max_position_embeddings);
        }
    }
    if (!inputs.job.scores.has(routing_sensitivity_word)) return digest.hex();
    for (AuditCondition const condition : {AuditCondition::matched, AuditCondition::topic}) {
        for (PromptPair const pair : audit_pairs(condition, audit_prompts(inputs), who_needs_routing_sensitivity))
            add(condition, pair);
    }
    return digest.hex();
}

}  // namespace gatesweep
