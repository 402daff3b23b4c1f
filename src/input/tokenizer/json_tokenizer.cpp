#include "json_tokenizer.h"

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <numeric>

#include "byte_alphabet.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/utf8.h"

namespace gatesweep::bpe {
namespace {

constexpr std::uint64_t max_id = 1 << 21;  // real vocabularies end below 300,000

AddedToken read_added_token(Fields const& fields) {
    fields.allow_only({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
    return {fields.text("content"),     static_cast<std::int32_t>(fields.number("id", max_id)),
            fields.flag("single_word"), fields.flag("lstrip"),
            fields.flag("rstrip"),      fields.flag("normalized"),
            fields.flag("special")};
}

MarkedText part_of(MarkedText const& text, std::size_t begin, std::size_t end) {
    if (begin == 0 && end == text.bytes.size()) return text;
    MarkedText part{text.bytes.substr(begin, end - begin)};
    if (!text.user.empty()) part.user = text.user.substr(begin, end - begin);
    if (!text.origins.empty())
        part.origins.assign(text.origins.begin() + static_cast<std::ptrdiff_t>(begin),
                            text.origins.begin() + static_cast<std::ptrdiff_t>(end));
    return part;
}

// The bytes of the text as it was given that bytes [begin, end) came from.
TokenPlace place_of(std::uint32_t const* origins, std::size_t begin, std::size_t end) {
    if (begin == end) return {origins[begin], origins[begin]};
    return {origins[begin], std::size_t{origins[end - 1]} + 1};
}

// Text is UTF-8 from here on.
void repair(MarkedText& text) {
    if (find_invalid_utf8(text.bytes) == std::string::npos) return;
    MarkedText out;
    for (std::size_t at = 0; at < text.bytes.size();) {
        std::size_t const size = character_length(std::string_view(text.bytes).substr(at));
        out.bytes += size == 0 ? replacement_utf8 : std::string_view(text.bytes).substr(at, size);
        if (!text.user.empty()) out.user.resize(out.bytes.size(), text.user[at]);
        if (!text.origins.empty()) out.origins.resize(out.bytes.size(), text.origins[at]);
        at += std::max<std::size_t>(size, 1);
    }
    text = std::move(out);
}

}  // namespace

JsonTokenizer::JsonTokenizer(nlohmann::json const& file, std::string const& place,
                             std::vector<AddedToken> const& added) {
    Fields const fields(file, place);
    fields.allow_only({"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
                       "post_processor", "decoder", "model"});
    if (fields.has("normalizer")) normalizer_ = Normalizer(fields.object("normalizer"));
    if (fields.has("pre_tokenizer")) pre_tokenizer_ = PreTokenizer(fields.object("pre_tokenizer"));
    model_ = BpeModel(fields.object("model"), pre_tokenizer_.is_byte_level());
    if (fields.has("post_processor")) surroundings_ = read_post_processor(fields.object("post_processor"));
    if (fields.has("decoder")) decoder_ = Decoder(fields.object("decoder"));
    next_id_ = model_.tokens().size();
    if (fields.has("added_tokens")) {
        for (Fields const& token : fields.objects("added_tokens"))
            add(read_added_token(token), place);
    }
    for (AddedToken const& token : added)
        add(token, place);
    number_tokens(place);
    prepare_finders();
}

void JsonTokenizer::prepare_finders() {
    std::vector<std::pair<std::string, AddedToken const*>> raw, normalized;
    for (bool const special : {true, false}) {
        for (AddedToken const& token : added_) {
            if (token.special != special) continue;
            if (token.normalized)
                normalized.emplace_back(normalizer_.apply({token.content, ""}).bytes, &token);
            else
                raw.emplace_back(token.content, &token);
        }
    }
    before_normalizing_ = AddedTokenFinder(raw);
    after_normalizing_ = AddedTokenFinder(normalized);
    // As the reference: such a token is written in its normal form, and is special if that form is one's text.
    for (auto const& [form, token] : normalized) {
        auto const id = static_cast<std::size_t>(token->id);
        tokens_[id] = form;
        auto const alike = added_ids_.find(form);
        is_special_[id] = alike != added_ids_.end() && added_[added_by_id_.at(alike->second)].special;
    }
}

void JsonTokenizer::add(AddedToken token, std::string const& place) {
    GATESWEEP_VALIDATE(!token.content.empty(), ExitCode::bad_data,
                       "{}: added token {} is empty (it could never be found): copy the checkpoint's file again", place,
                       token.id);
    auto const known_id = id_of(token.content);
    if (token.id == no_id_yet) token.id = known_id.value_or(static_cast<std::int32_t>(next_id_));
    next_id_ = std::max<std::size_t>(next_id_, static_cast<std::size_t>(token.id) + 1);
    auto const [found, is_new] = added_by_id_.emplace(token.id, added_.size());
    bool const disagrees =
        (known_id && *known_id != token.id) || (!is_new && added_[found->second].content != token.content);
    GATESWEEP_VALIDATE(!disagrees, ExitCode::bad_data,
                       "{}: the added token {} has id {}, and another token or id in the same files (only one can be "
                       "meant): copy the checkpoint's files again",
                       place, printable(token.content), token.id);
    added_ids_.emplace(token.content, token.id);
    if (is_new)
        added_.push_back(std::move(token));
    else
        added_[found->second] = std::move(token);
}

void JsonTokenizer::number_tokens(std::string const& place) {
    std::vector<std::optional<std::string>> all = model_.tokens();
    for (AddedToken const& token : added_) {
        auto const at = static_cast<std::size_t>(token.id);
        if (all.size() <= at) all.resize(at + 1);
        GATESWEEP_VALIDATE(!all[at] || *all[at] == token.content, ExitCode::bad_data,
                           "{}: id {} is {} in the vocabulary and {} among the added tokens (only one can be meant): "
                           "copy the checkpoint's file again",
                           place, token.id, printable(*all[at]), printable(token.content));
        all[at] = token.content;
    }
    is_special_.resize(all.size());
    for (AddedToken const& token : added_)
        is_special_[static_cast<std::size_t>(token.id)] = token.special;
    for (std::size_t id = 0; id < all.size(); ++id) {
        GATESWEEP_VALIDATE(all[id], ExitCode::bad_data,
                           "{}: no token has id {}, and {} ids stand above it (the vocabulary would have a gap): copy "
                           "the checkpoint's file again",
                           place, id, all.size() - id - 1);
        tokens_.push_back(std::move(*all[id]));
    }
}

std::optional<std::int32_t> JsonTokenizer::id_of(std::string_view token) const {
    auto const found = added_ids_.find(token);
    return found != added_ids_.end() ? std::optional(found->second) : model_.id_of(token);
}

// Calls visit(segment, the text that it is of, whether it begins the text), with a token or with what is to be encoded.
template <class Visit>
void JsonTokenizer::for_each_segment(MarkedText const& text, Visit visit) const {
    for (Segment const& raw : before_normalizing_.find(text)) {
        if (raw.token) {
            visit(raw, text, false);
            continue;
        }
        MarkedText const part = normalizer_.apply(part_of(text, raw.begin, raw.end));
        for (Segment const& segment : after_normalizing_.find(part)) {
            visit(segment, part, raw.begin == 0 && segment.begin == 0);
        }
    }
}

std::vector<std::int32_t> JsonTokenizer::encode(MarkedText text, std::vector<TokenPlace>* places) const {
    if (places) {
        text.origins.resize(text.bytes.size());
        std::iota(text.origins.begin(), text.origins.end(), 0U);
    }
    repair(text);
    std::vector<std::int32_t> ids;
    for_each_segment(text, [&](Segment const& segment, MarkedText const& of, bool begins_text) {
        std::uint32_t const* const origins = places && !of.origins.empty() ? of.origins.data() : nullptr;
        if (segment.token) {
            ids.push_back(segment.token->id);
            if (origins) places->push_back(place_of(origins, segment.begin, segment.end));
            return;
        }
        std::deque<Rewritten> storage;
        std::string_view const bytes = std::string_view(of.bytes).substr(segment.begin, segment.end - segment.begin);
        for (Word const& word :
             pre_tokenizer_.words({bytes, begins_text, origins ? origins + segment.begin : nullptr}, storage)) {
            std::size_t const before = ids.size();
            model_.encode(word.text, ids);
            if (!word.origins) continue;
            for (auto const& [begin, end] : model_.spans(word.text, std::span(ids).subspan(before)))
                places->push_back(place_of(word.origins, std::min(begin, word.text.size() - 1), end));
        }
    });
    return ids;
}

bool JsonTokenizer::holds_special(MarkedText const& text) const {
    MarkedText repaired{text.bytes, ""};
    repair(repaired);
    bool found = false;
    for_each_segment(repaired, [&](Segment const& segment, MarkedText const&, bool) {
        found = found || (segment.token && segment.token->special);
    });
    return found;
}

std::string JsonTokenizer::decode(std::span<std::int32_t const> ids) const {
    std::vector<std::string> tokens;
    for (std::int32_t const id : ids) {
        bool const is_known = id >= 0 && id < vocab_size();
        if (!is_known)
            tokens.emplace_back(replacement_utf8);
        else if (!is_special(id))
            tokens.push_back(token(id));
    }
    return decoder_.decode(std::move(tokens));
}

std::string JsonTokenizer::shown(std::int32_t id) const {
    std::string const& text = token(id);
    if (added_by_id_.contains(id)) return text;
    if (pre_tokenizer_.is_byte_level()) return with_replacements(bytes_behind(text).value_or(text));
    return text;
}

}  // namespace gatesweep::bpe
