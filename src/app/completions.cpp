#include "completions.h"

#include <nlohmann/json.hpp>

namespace gatesweep {

void write_completions(TrialPlan const& plan, Inputs const& inputs, std::vector<Completion> const& completions,
                       std::vector<LabelledText> const& texts, RunDirectory& run) {
    std::string out;
    for (std::size_t i = 0; i < completions.size(); ++i) {
        Completion const& c = completions[i];
        auto const prompt = static_cast<std::size_t>(c.prompt);
        nlohmann::ordered_json line;
        line["trial_id"] = plan.trials[static_cast<std::size_t>(c.variant)].id;
        line["group"] = inputs.groups[prompt];
        line["prompt_index"] = c.prompt;
        line["prompt_id"] = inputs.prompt_ids[prompt];
        line["token_ids"] = c.token_ids;
        line["text"] = texts[i].text;
        line["finish_reason"] = c.finish == FinishReason::eos ? "eos" : "length";
        line["label"] = to_string(texts[i].label);
        line["label_source"] = texts[i].source;
        if (c.variant == 0) line["prompt"] = inputs.prompt_texts[prompt];
        out += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
    }
    run.write_completions(out);
}

}  // namespace gatesweep
