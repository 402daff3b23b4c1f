#include "sentencepiece_tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <optional>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "input/foreign_file.h"

// Exported by the library, declared in a header that it does not install.
namespace sentencepiece::logging {
void SetMinLogLevel(int level);
}

namespace gatesweep::bpe {
namespace {

constexpr std::uint64_t max_model_bytes = 64 << 20;  // real ones have 0.5 to 5 MB
constexpr int log_only_fatal = 3;

// What SentencePiece says against the model, none when it was loaded: most as a status, some as an exception of the
// trie that it builds (a piece with a NUL byte in it).
std::optional<std::string> complaint_on_loading(sentencepiece::SentencePieceProcessor& processor,
                                                std::string const& bytes) {
    try {
        auto const status = processor.LoadFromSerializedProto(bytes);
        if (status.ok()) return std::nullopt;
        return std::string(status.message());
    } catch (std::exception const& error) {
        return error.what();
    }
}

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(std::filesystem::path const& model_file)
    : processor_(std::make_unique<sentencepiece::SentencePieceProcessor>()) {
    std::error_code ignored;
    GATESWEEP_VALIDATE(std::filesystem::exists(model_file, ignored) ||
                           !std::filesystem::exists(model_file.parent_path() / "tokenizer.json", ignored),
                       ExitCode::input_missing,
                       "{}: not there, only tokenizer.json (tokenization = \"mistral\" reads SentencePiece models): "
                       "put the checkpoint's "
                       "tokenizer.model beside it, or set tokenization = \"huggingface\"",
                       model_file.string());
    std::string const bytes = read_file(model_file, max_model_bytes);
    refuse_lfs_pointer(bytes, model_file.string(), "a SentencePiece model");
    sentencepiece::logging::SetMinLogLevel(log_only_fatal);  // its complaints reach the user as Errors
    auto const complaint = complaint_on_loading(*processor_, bytes);
    GATESWEEP_VALIDATE(!complaint, ExitCode::bad_data,
                       "{}: not a SentencePiece model ({}): copy the checkpoint's file again", model_file.string(),
                       printable(*complaint, 200));
    GATESWEEP_VALIDATE(
        bos_id() >= 0 && eos_id() >= 0, ExitCode::bad_data,
        "{}: the vocabulary has no {} control piece (sequences begin and end with one): is it the checkpoint's file?",
        model_file.string(), bos_id() < 0 ? "begin-of-sequence" : "end-of-sequence");
    vocab_size_ = processor_->GetPieceSize();
    for (int id = 0; id < vocab_size_; ++id) {
        if (processor_->IsControl(id)) control_pieces_.push_back({processor_->IdToPiece(id), id});
    }
}

SentencePieceTokenizer::~SentencePieceTokenizer() = default;
SentencePieceTokenizer::SentencePieceTokenizer(SentencePieceTokenizer&&) noexcept = default;

std::int32_t SentencePieceTokenizer::bos_id() const {
    return processor_->bos_id();
}
std::int32_t SentencePieceTokenizer::eos_id() const {
    return processor_->eos_id();
}

std::vector<std::int32_t> SentencePieceTokenizer::encode(std::string_view text, std::vector<TokenPlace>* places) const {
    std::vector<std::int32_t> ids;
    sentencepiece::ImmutableSentencePieceText pieces;
    auto const status = places ? processor_->Encode(text, pieces.mutable_proto()) : processor_->Encode(text, &ids);
    GATESWEEP_VALIDATE(status.ok(), ExitCode::bad_data, "a text cannot be encoded ({}): check the tokenizer.model",
                       printable(status.message(), 200));
    if (!places) return ids;
    for (std::size_t i = 0; i < pieces.pieces_size(); ++i) {
        auto const piece = pieces.pieces(static_cast<int>(i));
        ids.push_back(static_cast<std::int32_t>(piece.id()));
        places->push_back({piece.begin(), piece.end()});
    }
    return ids;
}

std::string SentencePieceTokenizer::decode(std::span<std::int32_t const> ids) const {
    std::string text;
    std::vector<int> known;
    // What stands between ids that SentencePiece refuses is decoded on its own.
    auto const decode_known = [&] {
        std::string part;
        auto const status = processor_->Decode(known, &part);
        GATESWEEP_VALIDATE(status.ok(), ExitCode::bad_data,
                           "token ids cannot be decoded ({}): check the tokenizer.model",
                           printable(status.message(), 200));
        text += part;
        known.clear();
    };
    for (std::int32_t const id : ids) {
        if (knows(id)) {
            known.push_back(id);
            continue;
        }
        decode_known();
        text += "\xEF\xBF\xBD";
    }
    decode_known();
    return text;
}

std::string SentencePieceTokenizer::piece(std::int32_t id) const {
    return processor_->IdToPiece(id);
}

}  // namespace gatesweep::bpe
