#include "gatesweep/sweep/tokens_affected.h"

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

bool edits_any_layer(RouterEdits const& edits, std::int32_t variant, Phase phase) {
    for (std::int64_t layer = 0; layer < edits.num_layers(); ++layer) {
        if (edits.entry(variant, layer, phase) != 0) return true;
    }
    return false;
}

}  // namespace

std::map<std::pair<std::int64_t, std::string>, std::int64_t> tokens_affected(
    RouterEdits const& edits, std::vector<std::string> const& groups,
    std::vector<std::vector<std::int32_t>> const& prompts, std::vector<Completion> const& completions) {
    std::vector<std::pair<bool, bool>> phases;  // of each variant: prompt tokens, generated ones
    for (std::int32_t v = 0; v < edits.num_variants(); ++v)
        phases.emplace_back(edits_any_layer(edits, v, Phase::prefill), edits_any_layer(edits, v, Phase::decode));
    std::map<std::pair<std::int64_t, std::string>, std::int64_t> out;
    for (Completion const& completion : completions) {
        if (completion.variant == 0) continue;
        auto const prompt = static_cast<std::size_t>(completion.prompt);
        auto const [edits_prompt, edits_generated] = phases[static_cast<std::size_t>(completion.variant)];
        std::int64_t& count = out[{completion.variant, groups[prompt]}];
        if (edits_prompt) count += std::ssize(prompts[prompt]);
        if (edits_generated) count += std::ssize(completion.token_ids) - 1;
    }
    return out;
}

void require_tokens_affected(TrialPlan const& plan,
                             std::map<std::pair<std::int64_t, std::string>, std::int64_t> const& affected) {
    std::vector<std::int64_t> of_trial(plan.trials.size(), 0);
    for (auto const& [key, count] : affected)
        of_trial[static_cast<std::size_t>(key.first)] += count;
    for (std::size_t t = 1; t < plan.trials.size(); ++t) {
        GATESWEEP_VALIDATE(
            of_trial[t] > 0, ExitCode::bad_data,
            "trial {} (\"{}\") touched no token: scope {}, and every reply ends with its first token (its "
            "replies are the baseline's, which says nothing about its experts): leave the trial out, "
            "raise sweep.max_new_tokens, or choose another scope",
            plan.trials[t].id, printable(plan.trials[t].name), to_string(plan.trials[t].scope));
    }
}

}  // namespace gatesweep
