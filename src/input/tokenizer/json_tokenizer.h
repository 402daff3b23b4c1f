// A tokenizer.json as Hugging Face's `tokenizers` reads it: added tokens, normalizer, pre-tokenizer, byte-pair
// encoding, post-processor, decoder. What this version does not do is refused by name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "added_tokens.h"
#include "bpe_model.h"
#include "decoder.h"
#include "gatesweep/input/tokenizer.h"
#include "normalizer.h"
#include "post_processor.h"
#include "pre_tokenizer.h"

namespace gatesweep::bpe {

class JsonTokenizer {
public:
    // `added`: tokens of other files, which come after those of tokenizer.json and change the flags of those it has.
    // Errors: bad_data.
    JsonTokenizer(nlohmann::json const& file, std::string const& place, std::vector<AddedToken> const& added);

    JsonTokenizer(JsonTokenizer const&) = delete;  // what it finds points into what it holds
    JsonTokenizer& operator=(JsonTokenizer const&) = delete;

    std::int64_t vocab_size() const { return static_cast<std::int64_t>(tokens_.size()); }
    std::optional<std::int32_t> id_of(std::string_view token) const;
    std::vector<AddedToken> const& added_tokens() const { return added_; }
    Surroundings const& surroundings() const { return surroundings_; }
    // Without what the post-processor puts around. `text.user` empty: special tokens count wherever they stand.
    // `places`: where each token stands in the text, if asked for.
    std::vector<std::int32_t> encode(MarkedText text, std::vector<TokenPlace>* places = nullptr) const;
    // Whether a special token stands in the text.
    bool holds_special(MarkedText const& text) const;
    // Special tokens vanish; an id that is none becomes U+FFFD.
    std::string decode(std::span<std::int32_t const> ids) const;
    std::string const& token(std::int32_t id) const { return tokens_[static_cast<std::size_t>(id)]; }
    bool is_special(std::int32_t id) const { return is_special_[static_cast<std::size_t>(id)]; }
    // The token as a reader sees it: bytes out of their disguise, what is no text as U+FFFD.
    std::string shown(std::int32_t id) const;

private:
    void add(AddedToken token, std::string const& place);
    void number_tokens(std::string const& place);
    void prepare_finders();
    template <class Visit>
    void for_each_segment(MarkedText const& text, Visit visit) const;

    Normalizer normalizer_;
    PreTokenizer pre_tokenizer_;
    BpeModel model_;
    Surroundings surroundings_;
    Decoder decoder_;
    std::vector<AddedToken> added_;
    TextMap<std::int32_t> added_ids_;                            // by content
    std::unordered_map<std::int32_t, std::size_t> added_by_id_;  // place in added_
    std::vector<std::string> tokens_;                            // by id, added ones too
    std::vector<bool> is_special_;                               // by id
    std::size_t next_id_ = 0;                                    // for an added token that comes without one
    AddedTokenFinder before_normalizing_;
    AddedTokenFinder after_normalizing_;
};

}  // namespace gatesweep::bpe
