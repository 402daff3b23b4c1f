#include <algorithm>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/input/prompts.h"

namespace gatesweep {
namespace {

std::vector<std::int32_t> encode(Prompt const& prompt, Tokenizer const* tokenizer, ChatTemplate const* chat,
                                 std::int32_t bos_id) {
    GATESWEEP_VALIDATE(tokenizer, ExitCode::input_missing,
                       "a prompt is text and the checkpoint has no tokenizer: add its tokenizer.model");
    if (prompt.prompt_template == TemplateKind::chat) {
        GATESWEEP_VALIDATE(chat, ExitCode::input_missing,
                           "there is no chat template: set template = \"raw\" or add the checkpoint's");
        return chat->encode(prompt.messages, *tokenizer);
    }
    GATESWEEP_VALIDATE(prompt.messages.size() == 1 && prompt.messages[0].role == "user", ExitCode::bad_data,
                       "messages need a chat template: set template = \"chat\"");
    auto ids = tokenizer->encode(prompt.messages[0].content);
    ids.insert(ids.begin(), bos_id);
    return ids;
}

void check(Prompt const& prompt, std::int64_t vocab_size, std::int64_t max_tokens, std::int32_t bos_id) {
    auto const& ids = prompt.token_ids;
    auto const outside = std::find_if(ids.begin(), ids.end(), [&](auto id) { return id < 0 || id >= vocab_size; });
    GATESWEEP_VALIDATE(outside == ids.end(), ExitCode::bad_data,
                       "{}: token id {} is outside the model's vocabulary of {}: is it the right model?", prompt.origin,
                       *outside, vocab_size);
    GATESWEEP_VALIDATE(ids.size() >= 2, ExitCode::bad_data, "{}: {} token (a loss needs a next one): give at least 2",
                       prompt.origin, ids.size());
    GATESWEEP_VALIDATE(static_cast<std::int64_t>(ids.size()) <= max_tokens, ExitCode::bad_data,
                       "{}: {} tokens, more than the {} allowed: shorten it", prompt.origin, ids.size(), max_tokens);
    GATESWEEP_VALIDATE(ids[0] != bos_id || ids[1] != bos_id, ExitCode::bad_data,
                       "{}: begins with two begin-of-sequence tokens (the model has never seen that): give one",
                       prompt.origin);
}

}  // namespace

void tokenize(PromptSet& set, Tokenizer const* tokenizer, ChatTemplate const* chat, std::int64_t vocab_size,
              std::int64_t max_tokens, std::int32_t bos_id) {
    for (auto& prompt : set.prompts) {
        if (prompt.token_ids.empty()) {
            try {
                prompt.token_ids = encode(prompt, tokenizer, chat, bos_id);
            } catch (Error const& error) {
                fail(error.code(), "{}: {}", prompt.origin, error.what());
            }
        }
        check(prompt, vocab_size, max_tokens, bos_id);
    }
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
