#include "sentencepiece_model.h"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/utf8.h"
#include "input/foreign_file.h"
#include "protobuf_reader.h"
#include "unicode.h"

namespace gatesweep::bpe {
namespace {

using nlohmann::json;

constexpr std::uint64_t max_model_bytes = 64 << 20;  // real ones have 0.5 to 5 MB
constexpr std::uint64_t byte_pair_encoding = 2;      // model_type
constexpr char const* blank = "\xE2\x96\x81";        // what stands for a space

// Numbers of the fields in SentencePiece's own description of the format.
namespace field {
enum Model : std::uint32_t { pieces = 1, trainer = 2, normalizer = 3 };
enum Piece : std::uint32_t { text = 1, score = 2, type = 3 };
enum Trainer : std::uint32_t {
    model_type = 3,
    byte_fallback = 35,
    unk_id = 40,
    bos_id = 41,
    eos_id = 42,
    unk_piece = 45,
    bos_piece = 46,
    eos_piece = 47
};
enum Normalizer : std::uint32_t { charsmap = 2, dummy_prefix = 3, extra_spaces = 4, escape_spaces = 5 };
}  // namespace field

class ModelReader {
public:
    explicit ModelReader(std::string file) : file_(std::move(file)) {}

    SentencePieceModel run(std::string_view bytes) {
        each(bytes, [&](ProtobufField const& f) {
            if (f.number == field::pieces) read_piece(f.bytes);
            if (f.number == field::trainer) read_trainer(f.bytes);
            if (f.number == field::normalizer) read_normalizer(f.bytes);
        });
        if (out_.pieces.empty() || out_.unknown_id < 0 || out_.unknown_id >= std::ssize(out_.pieces)) broken();
        GATESWEEP_VALIDATE(model_type_ == byte_pair_encoding, ExitCode::bad_data,
                           "{}: model_type is {} (this version does byte-pair encoding as Hugging Face does it, which "
                           "is 2): set tokenization = \"mistral\" for SentencePiece's own encoding",
                           file_, model_type_);
        GATESWEEP_VALIDATE(!maps_characters_, ExitCode::bad_data,
                           "{}: normalizer_spec has a precompiled_charsmap (this version does not do that as Hugging "
                           "Face does it): set tokenization = \"mistral\" for SentencePiece's own encoding",
                           file_);
        return std::move(out_);
    }

private:
    [[noreturn]] void broken() const {
        fail(ExitCode::bad_data, "{}: not a SentencePiece model: copy the checkpoint's file again", file_);
    }
    template <class Visit>
    void each(std::string_view bytes, Visit visit) const {
        ProtobufReader reader(bytes);
        while (auto const next = reader.next())
            visit(*next);
        if (reader.is_broken()) broken();
    }
    std::string text(std::string_view bytes) const {
        if (find_invalid_utf8(bytes) != std::string::npos) broken();
        return std::string(bytes);
    }
    void read_piece(std::string_view bytes) {
        SentencePieceModel::Piece piece;
        each(bytes, [&](ProtobufField const& f) {
            if (f.number == field::text) piece.text = text(f.bytes);
            if (f.number == field::score) piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(f.value));
            if (f.number == field::type) piece.type = static_cast<int>(f.value);
        });
        if (piece.text.empty() || piece.score != piece.score) broken();
        out_.pieces.push_back(std::move(piece));
    }
    void read_trainer(std::string_view bytes) {
        each(bytes, [&](ProtobufField const& f) {
            switch (f.number) {
                case field::model_type:
                    model_type_ = f.value;
                    break;
                case field::byte_fallback:
                    out_.falls_back_to_bytes = f.value != 0;
                    break;
                case field::unk_id:
                    out_.unknown_id = static_cast<int>(f.value);
                    break;
                case field::bos_id:
                    out_.bos_id = static_cast<int>(f.value);
                    break;
                case field::eos_id:
                    out_.eos_id = static_cast<int>(f.value);
                    break;
                case field::unk_piece:
                    out_.unknown = text(f.bytes);
                    break;
                case field::bos_piece:
                    out_.bos = text(f.bytes);
                    break;
                case field::eos_piece:
                    out_.eos = text(f.bytes);
                    break;
                default:
                    break;
            }
        });
    }
    void read_normalizer(std::string_view bytes) {
        each(bytes, [&](ProtobufField const& f) {
            if (f.number == field::charsmap) maps_characters_ = !f.bytes.empty();
            if (f.number == field::dummy_prefix) out_.adds_dummy_prefix = f.value != 0;
            if (f.number == field::extra_spaces) out_.removes_extra_spaces = f.value != 0;
            if (f.number == field::escape_spaces) out_.escapes_spaces = f.value != 0;
        });
    }

    std::string file_;
    SentencePieceModel out_;
    std::uint64_t model_type_ = 1;
    bool maps_characters_ = false;
};

// Every way to put a normal piece together from two: best score first, then id, then the left half.
json merges_of(std::vector<SentencePieceModel::Piece> const& pieces) {
    struct Join {
        std::size_t id, cut;
    };
    std::unordered_map<std::string_view, std::size_t> normal;
    for (std::size_t id = 0; id < pieces.size(); ++id) {
        if (pieces[id].type == SentencePieceModel::normal) normal[pieces[id].text] = id;
    }
    std::vector<Join> joins;
    for (auto const& [text, id] : normal) {
        for (std::size_t cut = 1; cut < text.size(); ++cut) {
            if (begins_character(text[cut]) && normal.contains(text.substr(0, cut)) &&
                normal.contains(text.substr(cut)))
                joins.push_back({id, cut});
        }
    }
    std::sort(joins.begin(), joins.end(), [&](Join const& a, Join const& b) {
        if (pieces[a.id].score != pieces[b.id].score) return pieces[a.id].score > pieces[b.id].score;
        return a.id != b.id ? a.id < b.id : a.cut < b.cut;
    });
    json out = json::array();
    for (Join const& join : joins) {
        std::string const& text = pieces[join.id].text;
        out.push_back({text.substr(0, join.cut), text.substr(join.cut)});
    }
    return out;
}

// The pieces of a user's own, the longest first, as a pattern.
std::string any_of(std::vector<std::string> pieces) {
    auto const length = [](std::string const& text) { return std::ranges::count_if(text, begins_character); };
    std::stable_sort(pieces.begin(), pieces.end(), [&](auto const& a, auto const& b) { return length(a) > length(b); });
    std::string pattern;
    for (auto const& piece : pieces) {
        if (!pattern.empty()) pattern += '|';
        for (char const c : piece) {
            bool const is_sign = static_cast<unsigned char>(c) < 0x80 && !(c >= '0' && c <= '9') &&
                                 !((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
            if (is_sign) pattern += '\\';
            pattern += c;
        }
    }
    return pattern;
}

json replace(char const* kind, char const* pattern, char const* content) {
    return {{"type", "Replace"}, {"pattern", {{kind, pattern}}}, {"content", content}};
}

}  // namespace

SentencePieceModel SentencePieceModel::read(std::filesystem::path const& file) {
    std::string const bytes = read_file(file, max_model_bytes);
    refuse_lfs_pointer(bytes, file.string(), "a SentencePiece model");
    return ModelReader(file.string()).run(bytes);
}

json SentencePieceModel::as_tokenizer_json(bool legacy, std::vector<AddedToken> const& named) const {
    std::vector<Piece> renamed = pieces;
    for (AddedToken const& token : named) {
        auto const id = static_cast<std::size_t>(token.id);
        if (token.id < 0 || id >= pieces.size() || pieces[id].text == token.content) continue;
        bool const is_taken = std::ranges::any_of(pieces, [&](Piece const& p) { return p.text == token.content; });
        if (!is_taken) renamed[id].text = token.content;
    }
    json vocabulary = json::object(), added = json::array();
    std::vector<std::string> of_user;
    for (std::size_t id = 0; id < renamed.size(); ++id) {
        Piece const& piece = renamed[id];
        GATESWEEP_VALIDATE(vocabulary.emplace(piece.text, id).second, ExitCode::bad_data,
                           "tokenizer.model: the piece {} is there twice (its id would be anyone's guess): copy the "
                           "checkpoint's file again",
                           printable(piece.text));
        if (piece.type == user_defined) of_user.push_back(piece.text);
        bool const is_named = piece.type == control || static_cast<int>(id) == unknown_id;
        if (is_named) {
            added.push_back({{"id", id},
                             {"content", piece.text},
                             {"single_word", false},
                             {"lstrip", false},
                             {"rstrip", false},
                             {"normalized", false},
                             {"special", true}});
        }
    }
    json normalizers = json::array(), pre_tokenizers = json::array();
    json decoders = json::array();
    decoders.push_back(replace("String", blank, " "));
    if (removes_extra_spaces) {
        normalizers.push_back(replace("Regex", R"(\A +| +\z)", ""));
        normalizers.push_back(replace("Regex", " {2,}", " "));
    }
    if (escapes_spaces) normalizers.push_back(replace("String", " ", blank));
    if (falls_back_to_bytes) decoders.push_back({{"type", "ByteFallback"}});
    if (adds_dummy_prefix) {
        if (legacy) normalizers.push_back(replace("Regex", "\\A\xE2\x96\x81", "\xE2\x96\x81\xE2\x96\x81"));
        pre_tokenizers.push_back({{"type", "Metaspace"},
                                  {"replacement", blank},
                                  {"split", false},
                                  {"prepend_scheme", legacy ? "always" : "first"}});
        decoders.push_back({{"type", "Fuse"}});
        decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1u}, {"stop", 0u}});
    } else if (falls_back_to_bytes) {
        decoders.push_back({{"type", "Fuse"}});
    }
    if (!of_user.empty())
        pre_tokenizers.push_back({{"type", "Split"},
                                  {"pattern", {{"Regex", any_of(of_user)}}},
                                  {"behavior", "Isolated"},
                                  {"invert", false}});
    return {{"added_tokens", added},
            {"normalizer", {{"type", "Sequence"}, {"normalizers", normalizers}}},
            {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", pre_tokenizers}}},
            {"decoder", {{"type", "Sequence"}, {"decoders", decoders}}},
            {"model",
             {{"type", "BPE"},
              {"unk_token", renamed[static_cast<std::size_t>(unknown_id)].text},
              {"fuse_unk", true},
              {"byte_fallback", falls_back_to_bytes},
              {"ignore_merges", !of_user.empty()},
              {"vocab", vocabulary},
              {"merges", merges_of(renamed)}}}};
}

}  // namespace gatesweep::bpe
