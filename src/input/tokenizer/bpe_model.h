// The model of tokenizer.json: byte-pair encoding of a word.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "json_fields.h"
#include "merges.h"

namespace gatesweep::bpe {

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

class BpeModel {
public:
    BpeModel() = default;
    // `is_byte_level`: words come as bytes, the vocabulary is in disguise.
    BpeModel(Fields const& fields, bool is_byte_level);

    // Where the ids of the vocabulary end; every id below has a token, or an added one (json_tokenizer.cpp checks).
    std::vector<std::optional<std::string>> const& tokens() const { return tokens_; }
    std::optional<std::int32_t> id_of(std::string_view token) const;
    void encode(std::string_view word, std::vector<std::int32_t>& ids) const;
    // Where each of a word's tokens stands in it: first byte and end. A token for the unknown reaches to where the next
    // one that is known begins; what has no token is passed over.
    std::vector<std::pair<std::size_t, std::size_t>> spans(std::string_view word,
                                                           std::span<std::int32_t const> ids) const;

private:
    void read_vocabulary(Fields const& fields);
    void read_merges(Fields const& fields);
    void add_merge(Fields const& fields, std::size_t rank, std::string_view left, std::string_view right);
    void prepare_words(bool is_byte_level);
    void encode_anew(std::string_view word, std::vector<std::int32_t>& symbols) const;
    std::int32_t symbol_of(std::string_view character) const;
    std::string surface(std::int32_t id) const;  // the bytes that it stands for

    std::vector<std::optional<std::string>> tokens_;
    TextMap<std::int32_t> ids_;
    Merges merges_;
    bool is_byte_level_ = false;
    bool ignores_merges_ = false;
    bool falls_back_to_bytes_ = false;
    bool fuses_unknown_ = false;
    std::optional<std::int32_t> unknown_;
    std::array<std::int32_t, 256> byte_symbols_{};    // of a byte as a word's character; -1: none
    std::array<std::int32_t, 256> byte_fallbacks_{};  // "<0x0A>"; -1: none
    TextMap<std::int32_t> whole_words_;               // by the word's bytes, where merges are ignored for such words
    std::uint64_t number_ = 0;                        // of this model, for the words a thread remembers
};

}  // namespace gatesweep::bpe
