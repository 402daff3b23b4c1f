#include "gatesweep/input/tokenizer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/utf8.h"
#include "gatesweep/input/strict_json.h"
#include "json_tokenizer.h"
#include "sentencepiece_model.h"
#include "sentencepiece_tokenizer.h"
#include "special_tokens.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;
using bpe::AddedToken;
using bpe::JsonTokenizer;
using bpe::MarkedText;
using bpe::SentencePieceModel;
using bpe::SpecialTokens;

constexpr std::uint64_t max_json_bytes = 128 << 20;            // real ones have up to 35 MB
constexpr std::size_t max_json_values = std::size_t{1} << 23;  // a pair of every merge, and its two halves
constexpr int max_json_depth = 16;

}  // namespace

struct Tokenizer::Impl {
    std::optional<bpe::SentencePieceTokenizer> sentencepiece;  // mistral
    std::optional<JsonTokenizer> json;                         // huggingface
    SpecialInText special_in_text = SpecialInText::text;
    std::int32_t bos = no_token, eos = no_token;
    std::vector<ControlPiece> control_pieces;
    std::vector<std::pair<std::string, std::string>> named;
    bpe::Surroundings surroundings;

    void name_tokens(SpecialTokens const& special);
    void read_json(fs::path const& file, SpecialTokens const& special);
    void read_model(fs::path const& file, SpecialTokens special);
    MarkedText marked(std::string_view text, bool is_user) const;
};

// A special token of the files by its name; ids of BOS and EOS.
void Tokenizer::Impl::name_tokens(SpecialTokens const& special) {
    for (std::string const& name : SpecialTokens::names()) {
        auto const found = special.named.find(name);
        if (found == special.named.end()) continue;
        named.emplace_back(name, found->second.content);
        std::int32_t const id = json->id_of(found->second.content).value_or(no_token);
        if (name == "bos_token") bos = id;
        if (name == "eos_token") eos = id;
    }
    for (AddedToken const& token : json->added_tokens())
        if (token.special) control_pieces.push_back({token.content, token.id});
}

void Tokenizer::Impl::read_json(fs::path const& file, SpecialTokens const& special) {
    auto const content =
        parse_strict_json(read_file(file, max_json_bytes), file.string(), max_json_depth, max_json_values);
    auto added = special.to_add();
    if (!special.has_decoder && content.is_object() && content.contains("added_tokens")) {
        // transformers then takes the flags of tokenizer.json.
        auto const& listed = content["added_tokens"];
        std::erase_if(added, [&](AddedToken const& token) {
            return std::ranges::any_of(listed, [&](auto const& entry) {
                return entry.is_object() && entry.contains("content") && entry["content"] == token.content;
            });
        });
    }
    json.emplace(content, file.string(), added);
    surroundings = json->surroundings();
    name_tokens(special);
}

void Tokenizer::Impl::read_model(fs::path const& file, SpecialTokens special) {
    auto const model = SentencePieceModel::read(file);
    auto const name_piece = [&](char const* name, int id, std::string const& piece) {
        if (id < 0 || std::ranges::find(special.named_nothing, name) != special.named_nothing.end()) return;
        AddedToken token;
        token.content = piece;
        token.id = bpe::no_id_yet;
        token.special = true;
        special.named.emplace(name, token);
    };
    name_piece("bos_token", model.bos_id, model.bos);
    name_piece("eos_token", model.eos_id, model.eos);
    name_piece("unk_token", model.unknown_id, model.unknown);
    auto added = special.to_add();
    if (model.adds_dummy_prefix) {  // each part between tokens gets its own dummy prefix
        for (AddedToken& token : added)
            token.normalized = false;
    }
    json.emplace(model.as_tokenizer_json(special.legacy, special.added), file.string(), added);
    name_tokens(special);
    if (special.adds_bos && bos != no_token) surroundings.before = {bos};
    if (special.adds_eos && eos != no_token) surroundings.after = {eos};
}

MarkedText Tokenizer::Impl::marked(std::string_view text, bool is_user) const {
    bool const is_asked = is_user && special_in_text == SpecialInText::text;
    return {std::string(text), is_asked ? std::string(text.size(), '\1') : std::string()};
}

fs::path Tokenizer::file_of(fs::path const& folder, Tokenization tokenization) {
    fs::path const json = folder / "tokenizer.json";
    bool const takes_json = tokenization == Tokenization::huggingface && file_kind(json) != FileKind::missing;
    return takes_json ? json : folder / "tokenizer.model";
}

Tokenizer Tokenizer::load(fs::path const& folder, Tokenization tokenization, SpecialInText special_in_text) {
    fs::path const file = file_of(folder, tokenization);
    if (tokenization == Tokenization::mistral) {
        GATESWEEP_VALIDATE(special_in_text == SpecialInText::text, ExitCode::job,
                           "special_in_text is \"parse\" with tokenization = \"mistral\" (which never takes text for "
                           "special tokens): leave one of them out");
        return Tokenizer(file);
    }
    auto impl = std::make_unique<Impl>();
    impl->special_in_text = special_in_text;
    SpecialTokens special = SpecialTokens::read(folder);
    if (file.extension() == ".json")
        impl->read_json(file, special);
    else
        impl->read_model(file, std::move(special));
    return Tokenizer(std::move(impl));
}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Tokenizer::Tokenizer(fs::path const& model_file) : impl_(std::make_unique<Impl>()) {
    impl_->sentencepiece.emplace(model_file);
    auto const& model = *impl_->sentencepiece;
    impl_->bos = model.bos_id();
    impl_->eos = model.eos_id();
    impl_->control_pieces = model.control_pieces();
    impl_->surroundings.before = {impl_->bos};
    impl_->named = {{"bos_token", model.piece(impl_->bos)}, {"eos_token", model.piece(impl_->eos)}};
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;

Tokenization Tokenizer::tokenization() const {
    return impl_->json ? Tokenization::huggingface : Tokenization::mistral;
}
SpecialInText Tokenizer::special_in_text() const {
    return impl_->special_in_text;
}
std::int64_t Tokenizer::vocab_size() const {
    return impl_->json ? impl_->json->vocab_size() : impl_->sentencepiece->vocab_size();
}
std::int32_t Tokenizer::bos_id() const {
    return impl_->bos;
}
std::int32_t Tokenizer::eos_id() const {
    return impl_->eos;
}
std::vector<ControlPiece> const& Tokenizer::control_pieces() const {
    return impl_->control_pieces;
}
std::vector<std::pair<std::string, std::string>> const& Tokenizer::named_tokens() const {
    return impl_->named;
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, std::vector<TokenPlace>* places) const {
    if (!impl_->json) return impl_->sentencepiece->encode(text, places);
    return impl_->json->encode(impl_->marked(text, true), places);
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, std::string_view authors,
                                            std::vector<TokenPlace>* places) const {
    GATESWEEP_EXPECT(impl_->json && text.size() == authors.size());
    MarkedText marked = impl_->marked(text, true);
    if (!marked.user.empty())
        std::ranges::transform(authors, marked.user.begin(),
                               [](char author) { return author == by_user ? '\1' : '\0'; });
    return impl_->json->encode(std::move(marked), places);
}

std::vector<std::int32_t> Tokenizer::encode_plain(std::string_view text, std::vector<TokenPlace>* places) const {
    auto ids = encode(text, places);
    auto const& [before, after] = impl_->surroundings;
    if (places) {
        places->insert(places->begin(), before.size(), {0, 0});
        places->insert(places->end(), after.size(), {text.size(), text.size()});
    }
    ids.insert(ids.begin(), before.begin(), before.end());
    ids.insert(ids.end(), after.begin(), after.end());
    return ids;
}

bool Tokenizer::holds_special(std::string_view text) const {
    return impl_->json && impl_->json->holds_special(impl_->marked(text, false));
}

std::string Tokenizer::decode(std::span<std::int32_t const> ids) const {
    return impl_->json ? impl_->json->decode(ids) : impl_->sentencepiece->decode(ids);
}

std::string Tokenizer::piece(std::int32_t id) const {
    if (!knows(id)) return std::string(replacement_utf8);
    return impl_->json ? impl_->json->shown(id) : impl_->sentencepiece->piece(id);
}

bool Tokenizer::knows(std::int32_t id) const {
    return id >= 0 && id < vocab_size();
}

}  // namespace gatesweep
