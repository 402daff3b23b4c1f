#include "gatesweep/sweep/plan_edits.h"

#include "gatesweep/base/digest.h"
#include "gatesweep/store/ledger.h"

namespace gatesweep {

RouterEdits plan_edits(TrialPlan const& plan, std::int64_t num_layers) {
    RouterEdits edits(num_layers, plan.num_experts);
    for (std::size_t t = 1; t < plan.trials.size(); ++t) {
        std::vector<RouterEdit> list;
        for (ExpertEdit const& edit : plan.trials[t].edits)
            list.push_back({edit.id.layer, edit.id.expert, edit.value});
        edits.add(plan.trials[t].mode, plan.trials[t].scope, list);
    }
    return edits;
}

std::string plan_digest(TrialPlan const& plan, std::vector<std::vector<std::int32_t>> const& prompts,
                        std::vector<std::int64_t> const& rows) {
    std::string text;
    for (Trial const& trial : plan.trials)
        text += trial.id + '\n';
    for (std::int64_t row : rows)
        text += ids_digest(prompts[static_cast<std::size_t>(row)]) + '\n';
    return sha256_hex(text);
}

}  // namespace gatesweep
