#include "gatesweep/input/training_prompts.h"

#include <algorithm>
#include <span>

#include "answer_list.h"
#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "span_tokens.h"

namespace gatesweep {
namespace {

AnsweredPrompt by_template(Prompt const& prompt, std::string const& answer, SpanTokens& tokens) {
    PairText text;
    text.messages = prompt.messages;
    text.messages.push_back({"assistant", answer});
    text.counted_message = std::ssize(text.messages) - 1;
    text.counted = answer;
    text.what = "the refusal";
    PairSide side = tokens.side(text);
    return {std::move(side.token_ids), side.first};
}

// Up to the first end token behind the answer's start, or with one.
void end_answer(AnsweredPrompt& prompt, std::vector<std::int32_t> const& end_ids) {
    auto const is_end = [&](std::int32_t id) { return std::ranges::find(end_ids, id) != end_ids.end(); };
    auto const end = std::find_if(prompt.token_ids.begin() + prompt.first, prompt.token_ids.end(), is_end);
    std::int32_t const id = end == prompt.token_ids.end() ? end_ids.front() : *end;
    prompt.token_ids.erase(end, prompt.token_ids.end());
    prompt.token_ids.push_back(id);
}

}  // namespace

std::vector<AnsweredPrompt> load_refusals(Job const& job, PromptSet const& prompts, TokenLimits const& limits,
                                          std::vector<std::int32_t> const& end_ids) {
    GATESWEEP_VALIDATE(!end_ids.empty(), ExitCode::bad_data,
                       "{}: the model has no eos_token_id (a refusal that is learned must end): name it in config.json",
                       job.model.path.string());
    std::vector<std::string> const answers = read_answer_list(job.harden.refusals).answers;
    SpanTokens tokens(job.model, limits);
    std::vector<AnsweredPrompt> out;
    for (Prompt const& prompt : prompts.prompts) {
        if (std::ranges::find(job.harden.train.harmful, prompt.group) == job.harden.train.harmful.end()) continue;
        std::string const& answer = answers[out.size() % answers.size()];
        try {
            bool const is_rendered = !prompt.messages.empty() && prompt.prompt_template == TemplateKind::chat;
            AnsweredPrompt answered;
            if (is_rendered) {
                answered = by_template(prompt, answer, tokens);
            } else {
                answered = {prompt.token_ids, std::ssize(prompt.token_ids)};
                std::vector<std::int32_t> const more = tokens.tokenizer().encode(answer);
                answered.token_ids.insert(answered.token_ids.end(), more.begin(), more.end());
            }
            end_answer(answered, end_ids);
            check_token_ids(answered.token_ids, limits.vocab_size, limits.max_tokens, limits.bos_id);
            out.push_back(std::move(answered));
        } catch (Error const& error) {
            fail(error.code(), "{}: {}", prompt.origin, error.what());
        }
    }
    return out;
}

std::string digest_of(std::vector<AnsweredPrompt> const& prompts) {
    FastDigest digest;
    for (AnsweredPrompt const& prompt : prompts)
        digest.add(std::as_bytes(std::span(prompt.token_ids))).add(fmt::format("{}", prompt.first));
    return digest.hex();
}

}  // namespace gatesweep
