#include "bpe_model.h"

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>

#include "byte_alphabet.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/utf8.h"
#include "unicode.h"

namespace gatesweep::bpe {
namespace {

constexpr std::uint64_t max_id = 1 << 21;  // real vocabularies end below 300,000
constexpr std::int32_t no_symbol = -1;
constexpr std::size_t max_remembered_bytes = 64;       // of a word
constexpr std::size_t max_remembered_words = 1 << 16;  // about 8 MB a thread

std::atomic<std::uint64_t> num_models = 0;

// What a thread has encoded with one model.
struct Remembered {
    std::uint64_t model = 0;
    TextMap<std::vector<std::int32_t>> words;
};

}  // namespace

BpeModel::BpeModel(Fields const& fields, bool is_byte_level)
    : is_byte_level_(is_byte_level),
      ignores_merges_(fields.flag("ignore_merges", false)),
      falls_back_to_bytes_(fields.flag("byte_fallback", false)),
      fuses_unknown_(fields.flag("fuse_unk", false)),
      number_(++num_models) {
    fields.allow_only({"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                       "byte_fallback", "ignore_merges", "vocab", "merges"});
    if (fields.has("type") && fields.text("type") != "BPE") fields.refuse("type");
    if (fields.has("dropout") && !(fields.value("dropout").is_number() && fields.value("dropout") == 0))
        fields.refuse("dropout");
    for (char const* name : {"continuing_subword_prefix", "end_of_word_suffix"})
        if (fields.has(name) && !fields.text(name).empty()) fields.refuse(name);
    read_vocabulary(fields);
    read_merges(fields);
    if (auto const unknown = fields.optional_text("unk_token")) {
        unknown_ = id_of(*unknown);
        if (!unknown_) fields.malformed("unk_token", "a token of the vocabulary");
    }
    prepare_words(is_byte_level);
}

void BpeModel::read_vocabulary(Fields const& fields) {
    auto const& vocabulary = fields.value("vocab");
    if (!vocabulary.is_object() || vocabulary.empty()) fields.malformed("vocab", "an object of tokens and ids");
    ids_.reserve(vocabulary.size());
    for (auto const& [token, id] : vocabulary.items()) {
        if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= max_id)
            fields.malformed("vocab",
                             fmt::format("right (the id of {} is no number below {})", printable(token), max_id));
        auto const at = id.get<std::size_t>();
        if (tokens_.size() <= at) tokens_.resize(at + 1);
        GATESWEEP_VALIDATE(!tokens_[at], ExitCode::bad_data,
                           "{}: the vocabulary gives id {} to {} and to {} (only one can be meant): copy the "
                           "checkpoint's file again",
                           fields.place(), at, printable(*tokens_[at]), printable(token));
        tokens_[at] = token;
        ids_.emplace(token, static_cast<std::int32_t>(at));
    }
}

void BpeModel::add_merge(Fields const& fields, std::size_t rank, std::string_view left, std::string_view right) {
    std::string const whole = std::string(left) + std::string(right);
    std::int32_t found[3];
    std::size_t i = 0;
    for (std::string_view const token : {left, right, std::string_view(whole)}) {
        auto const id = id_of(token);
        GATESWEEP_VALIDATE(id, ExitCode::bad_data,
                           "{}: merge {} names {}, which the vocabulary does not have (no text could be encoded by "
                           "it): copy the checkpoint's file again",
                           fields.place(), rank + 1, printable(token));
        found[i++] = *id;
    }
    merges_.add(found[0], found[1], {static_cast<std::uint32_t>(rank), found[2]});
}

void BpeModel::read_merges(Fields const& fields) {
    auto const& merges = fields.value("merges");
    if (!merges.is_array()) fields.malformed("merges", "a list");
    merges_ = Merges(merges.size());
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
        auto const& merge = merges[rank];
        if (merge.is_string()) {
            std::string_view const text = merge.get_ref<std::string const&>();
            std::size_t const space = text.find(' ');
            if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos)
                fields.malformed("merges", fmt::format("a list of two tokens each (see entry {})", rank + 1));
            add_merge(fields, rank, text.substr(0, space), text.substr(space + 1));
        } else {
            bool const is_pair = merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string();
            if (!is_pair) fields.malformed("merges", fmt::format("a list of two tokens each (see entry {})", rank + 1));
            add_merge(fields, rank, merge[0].get_ref<std::string const&>(), merge[1].get_ref<std::string const&>());
        }
    }
}

void BpeModel::prepare_words(bool is_byte_level) {
    for (std::size_t b = 0; b < byte_symbols_.size(); ++b) {
        auto const byte = static_cast<std::uint8_t>(b);
        std::string disguise;
        append_utf8(disguise, disguise_of(byte));
        byte_symbols_[b] = id_of(disguise).value_or(no_symbol);
        byte_fallbacks_[b] = id_of(byte_name(byte)).value_or(no_symbol);
    }
    if (!ignores_merges_) return;
    for (auto const& [token, id] : ids_) {
        auto const word = is_byte_level ? bytes_behind(token) : std::optional(token);
        if (word) whole_words_.emplace(*word, id);
    }
}

std::optional<std::int32_t> BpeModel::id_of(std::string_view token) const {
    auto const found = ids_.find(token);
    if (found == ids_.end()) return std::nullopt;
    return found->second;
}

void BpeModel::encode(std::string_view word, std::vector<std::int32_t>& ids) const {
    if (ignores_merges_) {
        auto const whole = whole_words_.find(word);
        if (whole != whole_words_.end()) return ids.push_back(whole->second);
    }
    std::vector<std::int32_t> symbols;
    if (word.size() > max_remembered_bytes) {
        encode_anew(word, symbols);
        ids.insert(ids.end(), symbols.begin(), symbols.end());
        return;
    }
    thread_local Remembered remembered;
    if (remembered.model != number_ || remembered.words.size() >= max_remembered_words) {
        remembered.words.clear();
        remembered.model = number_;
    }
    auto found = remembered.words.find(word);
    if (found == remembered.words.end()) {
        encode_anew(word, symbols);
        found = remembered.words.emplace(std::string(word), std::move(symbols)).first;
    }
    ids.insert(ids.end(), found->second.begin(), found->second.end());
}

std::int32_t BpeModel::symbol_of(std::string_view character) const {
    if (is_byte_level_) return byte_symbols_[static_cast<std::uint8_t>(character.front())];
    return id_of(character).value_or(no_symbol);
}

std::string BpeModel::surface(std::int32_t id) const {
    std::string const& token = *tokens_[static_cast<std::size_t>(id)];
    if (auto const byte = falls_back_to_bytes_ ? byte_named(token) : std::nullopt) return {static_cast<char>(*byte)};
    return is_byte_level_ ? bytes_behind(token).value_or(token) : token;
}

std::vector<std::pair<std::size_t, std::size_t>> BpeModel::spans(std::string_view word,
                                                                 std::span<std::int32_t const> ids) const {
    std::vector<std::pair<std::size_t, std::size_t>> out;
    std::size_t at = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        std::size_t begin = at;
        if (unknown_ != ids[i]) {
            std::string const text = surface(ids[i]);
            if (std::size_t const found = word.find(text, at); found != word.npos) begin = found;
            at = std::min(begin + text.size(), word.size());
        } else if (i + 1 == ids.size()) {
            at = word.size();
        } else {
            std::size_t const one = std::max<std::size_t>(character_length(word.substr(at)), 1);
            at = std::min(at + one, word.size());
            if (unknown_ != ids[i + 1]) at = std::min(word.find(surface(ids[i + 1]), at), word.size());
        }
        out.emplace_back(begin, at);
    }
    return out;
}

// As the reference: unknown characters wait until a known one follows, and bytes that stand for a character overtake
// them.
void BpeModel::encode_anew(std::string_view word, std::vector<std::int32_t>& symbols) const {
    bool unknown_waits = false;
    for (std::size_t at = 0; at < word.size();) {
        std::size_t const size = is_byte_level_ ? 1 : character_at(word, at).size;
        std::string_view const character = word.substr(at, size);
        at += size;
        if (std::int32_t const symbol = symbol_of(character); symbol != no_symbol) {
            if (unknown_waits) symbols.push_back(*unknown_);
            unknown_waits = false;
            symbols.push_back(symbol);
            continue;
        }
        if (falls_back_to_bytes_) {
            std::string disguised;
            if (is_byte_level_) append_utf8(disguised, disguise_of(static_cast<std::uint8_t>(character.front())));
            std::string_view const bytes = is_byte_level_ ? std::string_view(disguised) : character;
            auto const fallback = [&](char byte) { return byte_fallbacks_[static_cast<std::uint8_t>(byte)]; };
            if (std::ranges::all_of(bytes, [&](char byte) { return fallback(byte) != no_symbol; })) {
                for (char const byte : bytes)
                    symbols.push_back(fallback(byte));
                continue;
            }
        }
        if (!unknown_) continue;
        if (unknown_waits && !fuses_unknown_) symbols.push_back(*unknown_);
        unknown_waits = true;
    }
    if (unknown_waits) symbols.push_back(*unknown_);
    merges_.apply(symbols);
}

}  // namespace gatesweep::bpe
