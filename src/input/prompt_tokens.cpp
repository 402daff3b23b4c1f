#include "gatesweep/input/prompt_tokens.h"

#include <algorithm>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/words.h"
#include "gatesweep/input/prompts.h"

namespace gatesweep {
namespace {

std::vector<std::int32_t> encode(Prompt const& prompt, Tokenizer const* tokenizer, ChatTemplate const* chat,
                                 std::int32_t bos_id) {
    GATESWEEP_VALIDATE(
        tokenizer, ExitCode::input_missing,
        "a prompt is text and the checkpoint has no tokenizer: add its tokenizer.json or tokenizer.model");
    if (prompt.prompt_template == TemplateKind::chat) {
        GATESWEEP_VALIDATE(chat, ExitCode::input_missing,
                           "there is no chat template: set template = \"raw\" or add the checkpoint's");
        return chat->encode(prompt.messages, *tokenizer);
    }
    GATESWEEP_VALIDATE(prompt.messages.size() == 1 && prompt.messages[0].role == "user", ExitCode::bad_data,
                       "messages need a chat template: set template = \"chat\"");
    return encode_raw(*tokenizer, prompt.messages[0].content, bos_id);
}

bool holds_special(Prompt const& prompt, Tokenizer const& tokenizer) {
    return std::ranges::any_of(prompt.messages, [&](Message const& m) { return tokenizer.holds_special(m.content); });
}

std::string notice_of_special(std::int64_t num_prompts, SpecialInText special_in_text) {
    std::string const found = plural(num_prompts, "prompt") + " hold what the tokenizer takes for special tokens";
    return special_in_text == SpecialInText::parse
               ? found + ", and they are tokens there (special_in_text = \"parse\")"
               : found + "; it stays text (transformers would take it for tokens: special_in_text = \"parse\")";
}

bool needs_chat(Prompt const& prompt) {
    return !prompt.messages.empty() && prompt.prompt_template == TemplateKind::chat;
}

}  // namespace

void check_token_ids(std::span<std::int32_t const> ids, std::int64_t vocab_size, std::int64_t max_tokens,
                     std::int32_t bos_id) {
    auto const outside = std::find_if(ids.begin(), ids.end(), [&](auto id) { return id < 0 || id >= vocab_size; });
    GATESWEEP_VALIDATE(outside == ids.end(), ExitCode::bad_data,
                       "token id {} is outside the model's vocabulary of {}: is it the right model?", *outside,
                       vocab_size);
    GATESWEEP_VALIDATE(ids.size() >= 2, ExitCode::bad_data, "{} token (a loss needs a next one): give at least 2",
                       ids.size());
    GATESWEEP_VALIDATE(static_cast<std::int64_t>(ids.size()) <= max_tokens, ExitCode::bad_data,
                       "{} tokens, more than the {} allowed: shorten it", ids.size(), max_tokens);
    GATESWEEP_VALIDATE(ids[0] != bos_id || ids[1] != bos_id, ExitCode::bad_data,
                       "begins with two begin-of-sequence tokens (the model has never seen that): give one");
}

std::vector<std::int32_t> encode_raw(Tokenizer const& tokenizer, std::string_view text, std::int32_t bos_id,
                                     std::vector<TokenPlace>* places) {
    if (tokenizer.tokenization() == Tokenization::huggingface) return tokenizer.encode_plain(text, places);
    auto ids = tokenizer.encode(text, places);
    ids.insert(ids.begin(), bos_id);
    if (places) places->insert(places->begin(), {0, 0});
    return ids;
}

ChatTemplate load_chat_template(ModelSpec const& model) {
    return ChatTemplate::load(model.path, {model.chat_template, model.date, model.template_arguments, {}});
}

Tokenizer load_tokenizer(ModelSpec const& model) {
    return Tokenizer::load(model.path, model.tokenization, model.special_in_text);
}

bool has_tokenizer(ModelSpec const& model) {
    return file_kind(Tokenizer::file_of(model.path, model.tokenization)) != FileKind::missing;
}

PromptReaders load_prompt_readers(Job const& job, PromptSet const& set) {
    ModelSpec const& model = job.model;
    PromptReaders readers;
    if (std::ranges::any_of(set.prompts, [](Prompt const& p) { return !p.messages.empty(); }))
        readers.tokenizer = std::make_unique<Tokenizer>(load_tokenizer(model));
    if (std::ranges::any_of(set.prompts, needs_chat)) {
        readers.chat = std::make_unique<ChatTemplate>(load_chat_template(model));
    }
    return readers;
}

std::optional<std::string> text_for_tokens(Prompt const& prompt, PromptReaders const& readers) {
    if (prompt.messages.empty()) return std::nullopt;
    if (!needs_chat(prompt)) return prompt.messages[0].content;
    return readers.chat->render(prompt.messages, Turns::all, *readers.tokenizer).bytes;
}

void tokenize(PromptSet& set, Tokenizer const* tokenizer, ChatTemplate const* chat, std::int64_t vocab_size,
              std::int64_t max_tokens, std::int32_t bos_id) {
    std::int64_t num_special = 0;
    for (auto& prompt : set.prompts) {
        try {
            if (prompt.token_ids.empty()) {
                prompt.token_ids = encode(prompt, tokenizer, chat, bos_id);
                num_special += holds_special(prompt, *tokenizer);
            }
            check_token_ids(prompt.token_ids, vocab_size, max_tokens, bos_id);
        } catch (Error const& error) {
            fail(error.code(), "{}: {}", prompt.origin, error.what());
        }
    }
    if (num_special > 0) set.notices.push_back(notice_of_special(num_special, tokenizer->special_in_text()));
}

std::string PromptSet::digest() const {
    FastDigest digest;
    for (auto const& prompt : prompts) {
        digest.add(prompt.id).add(prompt.group);
        auto const bytes = std::as_bytes(std::span(prompt.token_ids));
        digest.add(std::string_view(reinterpret_cast<char const*>(bytes.data()), bytes.size()));  // with its length
    }
    return digest.hex();
}

}  // namespace gatesweep
