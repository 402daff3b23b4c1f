// Prompts as token ids.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/input/chat_template.h"
#include "gatesweep/input/prompts.h"
#include "gatesweep/input/tokenizer.h"

namespace gatesweep {

// The tokenizer as the job wants it. Errors: those of Tokenizer::load.
Tokenizer load_tokenizer(ModelSpec const& model);
bool has_tokenizer(ModelSpec const& model);
// The chat template as the job wants it. Errors: those of ChatTemplate::load.
ChatTemplate load_chat_template(ModelSpec const& model);

// A text without a template, with what begins and ends a sequence. `places` as in Tokenizer.
std::vector<std::int32_t> encode_raw(Tokenizer const& tokenizer, std::string_view text, std::int32_t bos_id,
                                     std::vector<TokenPlace>* places = nullptr);
// Errors: bad_data for an id outside the vocabulary, fewer than 2 tokens (no next-token loss exists), more than
// max_tokens, two BOS tokens.
void check_token_ids(std::span<std::int32_t const> ids, std::int64_t vocab_size, std::int64_t max_tokens,
                     std::int32_t bos_id);

// What turns the prompts of a job into tokens: what none of them needs is null.
struct PromptReaders {
    std::unique_ptr<Tokenizer> tokenizer;
    std::unique_ptr<ChatTemplate> chat;
};
// Errors: those of Tokenizer::load and ChatTemplate::load, where a prompt needs them.
PromptReaders load_prompt_readers(Job const& job, PromptSet const& set);

// The text that becomes tokens: as the chat template renders it, the prompt itself for a raw one; nothing for a row
// that carries token_ids. Errors: as ChatTemplate::render.
std::optional<std::string> text_for_tokens(Prompt const& prompt, PromptReaders const& readers);

// Fills in token_ids. `chat` may be null when no prompt needs it. Errors: those of check_token_ids, with the prompt's
// origin.
void tokenize(PromptSet& set, Tokenizer const* tokenizer, ChatTemplate const* chat, std::int64_t vocab_size,
              std::int64_t max_tokens, std::int32_t bos_id);

}  // namespace gatesweep
