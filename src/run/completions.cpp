#include "gatesweep/run/completions.h"

#include <algorithm>

#include "gatesweep/base/file.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/words.h"
#include "gatesweep/input/prompt_tokens.h"
#include "gatesweep/run/setup.h"
#include "gatesweep/store/completions.h"

namespace gatesweep {

std::vector<std::optional<std::string>> decode_completions(Inputs const& inputs,
                                                           std::vector<Completion> const& completions) {
    std::vector<std::optional<std::string>> texts(completions.size());
    ModelSpec const& model = inputs.job.model;
    auto const vocabulary = Tokenizer::file_of(model.path, model.tokenization);
    if (!has_tokenizer(model)) {  // token_ids alone need no tokenizer
        warn("{} does not exist, so completions stay token ids and are not labelled", vocabulary.string());
        return texts;
    }
    Tokenizer const tokenizer = load_tokenizer(model);
    std::int64_t num_strange = 0;
    for (std::size_t i = 0; i < completions.size(); ++i) {
        auto const& ids = completions[i].token_ids;
        texts[i] = tokenizer.decode(ids);
        num_strange += !std::ranges::all_of(ids, [&](std::int32_t id) { return tokenizer.knows(id); });
    }
    if (num_strange > 0) {
        warn(
            "{} hold token ids that {} does not know (added tokens, or rows that pad the model's vocabulary): each "
            "shows as U+FFFD in the text",
            plural(num_strange, "completion"), vocabulary.string());
    }
    return texts;
}

void write_completions(TrialPlan const& plan, Inputs const& inputs, std::vector<Completion> const& completions,
                       std::vector<std::optional<std::string>> const& texts, LabelledReplies const& labels,
                       RunDirectory& run) {
    std::string out;
    for (std::size_t i = 0; i < completions.size(); ++i) {
        Completion const& c = completions[i];
        auto const prompt = static_cast<std::size_t>(c.prompt);
        StoredCompletion line;
        line.trial_id = plan.trials[static_cast<std::size_t>(c.variant)].id;
        line.group = inputs.groups[prompt];
        line.prompt_index = c.prompt;
        line.prompt_id = inputs.prompt_ids[prompt];
        line.token_ids = c.token_ids;
        line.text = texts[i].value_or("");
        line.finish_reason = c.finish == FinishReason::eos ? "eos" : "length";
        line.label = to_string(labels.labels[i].label);
        line.label_source = labels.source(i);
        if (c.variant == 0) line.prompt = inputs.prompt_texts[prompt];
        out += completion_line(line);
    }
    run.write_completions(out);
}

}  // namespace gatesweep
