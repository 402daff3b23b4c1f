// Which texts the audit reads, which of their tokens count, and which two make a pair: a function of the inputs alone.
//
//   prompts       every token of a prompt, as the model reads it, counts
//   refusal-prefix, second text: the prompt and a refusal behind it; every token of both counts. What stands before the
//                 refusal is routed as without it, so that the pair says how far the refusal's tokens move the whole
//   continuation  the prompt with a refusal, and with an answer; the first tokens of the two count, as many as the
//                 shorter has, and are compared one by one
#pragma once

#include <string>
#include <vector>

#include "gatesweep/analysis/audit_pairs.h"
#include "gatesweep/analysis/routing_divergence.h"
#include "gatesweep/model/model_config.h"
#include "gatesweep/run/inputs.h"
#include "gatesweep/signal/span_routing.h"

namespace gatesweep {

struct PlannedPair {
    AuditCondition condition = AuditCondition::topic;
    PromptPair prompts;
    TextPair texts;
};

struct AuditPlan {
    std::vector<CountedSpan> texts;     // the prompts of the two groups first, in the order of audited_prompts
    std::vector<PlannedPair> pairs;     // by condition, in the order of the job
    std::vector<std::int64_t> prompts;  // audited_prompts: text i is prompt prompts[i]

    std::int64_t num_tokens() const;
};

AuditPrompts audit_prompts(Inputs const& inputs);
// Nothing for a job without [audit]. Errors: those of audit_pairs.
AuditPlan plan_audit(Inputs const& inputs);
// Digest of the texts and of which prompts are paired, for the audit and for the provider that needs it. Errors: those
// of plan_audit, also of the pairs of this provider, and ExitCode::job for a text longer than the model's positions:
// what would else end the run after the signals.
std::string checked_audit(Inputs const& inputs, ModelConfig const& config);

}  // namespace gatesweep
