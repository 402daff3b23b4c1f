// One prompt, one set: how people begin, before they write a job.
#include "app/commands.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "gatesweep/base/error.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/words.h"
#include "gatesweep/input/prompt_tokens.h"
#include "gatesweep/label/refusal_phrases.h"
#include "gatesweep/run/loaded_model.h"
#include "gatesweep/sweep/generator.h"
#include "gatesweep/terms/edit_mode.h"
#include "routing_beside.h"
#include "try_setup.h"

namespace gatesweep {
namespace {

std::string set_text(Options const& options, std::vector<RouterEdit> const& edits) {
    std::vector<std::string> words;
    for (RouterEdit const& edit : edits)
        words.push_back(fmt::format("{}:{}", edit.layer, edit.expert));
    EditModeFacts const& mode = *find_edit_mode(options.mode);
    std::string const how = mode.value == EditValue::sign   ? (options.activate ? "activated" : "deactivated")
                            : mode.value == EditValue::dose ? fmt::format("given {:+}", options.bias)
                                                            : std::string(mode.done);
    return fmt::format("with {} {} (mode {})", fmt::join(words, " "), how, mode.word);
}

void print_reply(std::string_view title, Completion const& completion, std::string const& text) {
    fmt::print("{}: {}, {}, {}\n", title, plural(std::ssize(completion.token_ids), "token"),
               completion.finish == FinishReason::eos ? "complete" : "cut at --max-new-tokens",
               to_string(PhraseLabeller::built_in().label(text)));
    fmt::print("  {}\n\n", text);
}

}  // namespace

void try_set(Options const& options, Communicator const& world) {
    Setup const setup = set_up_prompt(options, world);
    ModelConfig const& config = setup.config;
    auto const chosen = chosen_edits(options, config);
    LoadedModel const loaded(setup);
    Decoder const& model = *loaded.resident();

    RouterEdits edits(config.num_layers, config.num_experts);
    if (!chosen.empty()) edits.add(find_edit_mode(options.mode)->mode, EditScope::both, chosen);
    bool const is_first = world.rank() == 0;
    std::vector<Request> requests;
    for (std::int32_t variant = 0; is_first && variant < edits.num_variants(); ++variant)
        requests.push_back({0, variant});
    std::int64_t const num_tokens = setup.inputs.max_prompt_tokens();
    Generator generator(model, setup.layout, edits, setup.inputs.token_ids,
                        {options.new_tokens, edits.num_variants(), num_tokens, config.eos_token_ids});
    std::vector<Completion> completions;
    generator.run(requests, [&](Completion completion) { completions.push_back(std::move(completion)); });
    std::ranges::sort(completions, {}, &Completion::variant);
    auto const& prompt = setup.inputs.token_ids.front();
    auto const routing = routing_of(model, edits, prompt, completions);
    if (!is_first) return;

    Tokenizer const tokenizer = load_tokenizer(setup.inputs.job.model);
    std::vector<std::string> texts;
    for (Completion const& completion : completions)
        texts.push_back(tokenizer.decode(completion.token_ids));
    print_reply(completions.size() == 1 ? "the model" : "as it is", completions[0], texts[0]);
    if (completions.size() == 2) {
        print_reply(set_text(options, chosen), completions[1], texts[1]);
        auto const& before = completions[0].token_ids;
        auto const part = std::ranges::mismatch(before, completions[1].token_ids).in1 - before.begin();
        fmt::print("{}\n\n", before == completions[1].token_ids
                                 ? std::string("the replies are equal, token by token")
                                 : fmt::format("the replies part at token {}", part + 1));
    }
    fmt::print("expert:tokens, the most first; {} of the prompt, each goes to {}\n{}",
               plural(std::ssize(prompt), "token"), plural(config.top_k, "expert"),
               routing_table(routing, prompt.size(), config.sparse_layers()));
}

}  // namespace gatesweep
