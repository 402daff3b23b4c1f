// Conversations as tokens, and which of them stand for a text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gatesweep/input/pairs.h"
#include "gatesweep/input/prompt_tokens.h"
#include "pair_rows.h"

namespace gatesweep {

// A conversation as it was rendered, or a text as it is.
struct PlacedText {
    std::string text;
    std::string authors;  // as in ChatText
    std::vector<std::int32_t> ids;
    std::vector<TokenPlace> places;
};

class SpanTokens {
public:
    // `model` outlives the object. The tokenizer and the template are loaded when they are needed.
    SpanTokens(ModelSpec const& model, TokenLimits const& limits) : model_(model), limits_(limits) {}

    // Errors: those of load_pairs for a side.
    PairSide side(PairText const& text);
    // Errors: input_missing where there is none.
    Tokenizer const& tokenizer();

private:
    ChatTemplate const& chat();
    PlacedText tokens_of(PairText const& side);

    ModelSpec const& model_;
    TokenLimits limits_;
    std::unique_ptr<Tokenizer> tokenizer_;
    std::unique_ptr<ChatTemplate> chat_;
};

}  // namespace gatesweep
