#include "span_tokens.h"

#include <algorithm>
#include <optional>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

struct Bytes {
    std::size_t begin = 0, end = 0;
};

std::string stripped(std::string const& text) {
    constexpr std::string_view space = " \t\r\n\v\f";
    std::size_t const begin = text.find_first_not_of(space);
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(space) + 1 - begin);
}

// The last place before `limit` where the users wrote `sought`.
std::optional<Bytes> find_last(PlacedText const& placed, std::string const& sought, std::size_t limit) {
    if (sought.empty() || sought.size() > limit) return std::nullopt;
    for (std::size_t at = limit - sought.size() + 1; at-- > 0;) {
        at = placed.text.rfind(sought, at);
        if (at == placed.text.npos) break;
        if (placed.authors.find_first_not_of(Tokenizer::by_user, at) >= at + sought.size())
            return Bytes{at, at + sought.size()};
    }
    return std::nullopt;
}

// The same, or, since templates trim what they print, without the white space around it.
std::optional<Bytes> find_trimmed(PlacedText const& placed, std::string const& sought, std::size_t limit) {
    auto const found = find_last(placed, sought, limit);
    return found ? found : find_last(placed, stripped(sought), limit);
}

// Messages stand in the order of the conversation: from the last one back to the one that counts.
std::optional<Bytes> find_counted(PlacedText const& placed, PairText const& side) {
    std::size_t limit = placed.text.size();
    if (side.counted_message < 0) return find_trimmed(placed, side.counted, limit);
    for (std::int64_t i = std::ssize(side.messages) - 1; i > side.counted_message; --i) {
        auto const later = find_trimmed(placed, side.messages[static_cast<std::size_t>(i)].content, limit);
        if (later) limit = later->begin;
    }
    return find_trimmed(placed, side.counted, limit);
}

}  // namespace

PairSide SpanTokens::side(PairText const& text) {
    PlacedText const placed = tokens_of(text);
    auto const bytes = find_counted(placed, text);
    GATESWEEP_VALIDATE(bytes, ExitCode::bad_data,
                       "{} does not stand in the conversation as the chat template writes it (its tokens are to be "
                       "counted): correct it{}",
                       text.what, text.counted.empty() ? ", it is empty" : "");
    PairSide out;
    out.token_ids = placed.ids;
    auto const counts = [&](TokenPlace const& place) { return place.begin < bytes->end && place.end > bytes->begin; };
    auto const first = std::ranges::find_if(placed.places, counts);
    auto const last = std::find_if_not(first, placed.places.end(), counts);
    GATESWEEP_VALIDATE(first != last, ExitCode::bad_data,
                       "{} has no token of its own (nothing of it could be counted): give it a text", text.what);
    out.first = first - placed.places.begin();
    out.last = last - placed.places.begin();
    check_token_ids(out.token_ids, limits_.vocab_size, limits_.max_tokens, limits_.bos_id);
    return out;
}

Tokenizer const& SpanTokens::tokenizer() {
    if (!tokenizer_) {
        GATESWEEP_VALIDATE(has_tokenizer(model_), ExitCode::input_missing,
                           "pairs are text and the checkpoint has no tokenizer: add its tokenizer.json or "
                           "tokenizer.model");
        tokenizer_ = std::make_unique<Tokenizer>(load_tokenizer(model_));
    }
    return *tokenizer_;
}

ChatTemplate const& SpanTokens::chat() {
    if (!chat_) chat_ = std::make_unique<ChatTemplate>(load_chat_template(model_));
    return *chat_;
}

PlacedText SpanTokens::tokens_of(PairText const& side) {
    PlacedText out;
    if (!side.messages.empty()) {
        ChatTokens tokens = chat().tokens(side.messages, tokenizer());
        return {std::move(tokens.text.bytes), std::move(tokens.text.authors), std::move(tokens.ids),
                std::move(tokens.places)};
    }
    out.text = side.text;
    out.authors.assign(out.text.size(), Tokenizer::by_user);
    out.ids = encode_raw(tokenizer(), side.text, limits_.bos_id, &out.places);
    return out;
}

}  // namespace gatesweep
