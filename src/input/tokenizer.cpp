#include "gatesweep/input/tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <optional>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"

// Exported by the library, declared in a header that it does not install.
namespace sentencepiece::logging {
void SetMinLogLevel(int level);
}

namespace gatesweep {
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

struct Tokenizer::Impl {
    sentencepiece::SentencePieceProcessor processor;
    std::vector<ControlPiece> control_pieces;
    std::int64_t vocab_size = 0;
};

Tokenizer::Tokenizer(std::filesystem::path const& model_file) : impl_(std::make_unique<Impl>()) {
    std::error_code ignored;
    GATESWEEP_VALIDATE(
        std::filesystem::exists(model_file, ignored) ||
            !std::filesystem::exists(model_file.parent_path() / "tokenizer.json", ignored),
        ExitCode::input_missing,
        "{}: not there, only tokenizer.json (this version reads SentencePiece models): put the checkpoint's "
        "tokenizer.model beside it",
        model_file.string());
    std::string const bytes = read_file(model_file, max_model_bytes);
    sentencepiece::logging::SetMinLogLevel(log_only_fatal);  // its complaints reach the user as Errors
    auto const complaint = complaint_on_loading(impl_->processor, bytes);
    GATESWEEP_VALIDATE(!complaint, ExitCode::bad_data,
                       "{}: not a SentencePiece model ({}): copy the checkpoint's file again", model_file.string(),
                       printable(*complaint, 200));
    GATESWEEP_VALIDATE(
        bos_id() >= 0 && eos_id() >= 0, ExitCode::bad_data,
        "{}: the vocabulary has no {} control piece (sequences begin and end with one): is it the checkpoint's file?",
        model_file.string(), bos_id() < 0 ? "begin-of-sequence" : "end-of-sequence");
    impl_->vocab_size = impl_->processor.GetPieceSize();
    for (int id = 0; id < impl_->vocab_size; ++id) {
        if (impl_->processor.IsControl(id)) impl_->control_pieces.push_back({impl_->processor.IdToPiece(id), id});
    }
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;

std::int64_t Tokenizer::vocab_size() const {
    return impl_->vocab_size;
}
std::int32_t Tokenizer::bos_id() const {
    return impl_->processor.bos_id();
}
std::int32_t Tokenizer::eos_id() const {
    return impl_->processor.eos_id();
}
std::vector<ControlPiece> const& Tokenizer::control_pieces() const {
    return impl_->control_pieces;
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const {
    std::vector<std::int32_t> ids;
    auto const status = impl_->processor.Encode(text, &ids);
    GATESWEEP_VALIDATE(status.ok(), ExitCode::bad_data, "a text cannot be encoded ({}): check the tokenizer.model",
                       printable(status.message(), 200));
    return ids;
}

std::string Tokenizer::decode(std::span<std::int32_t const> ids) const {
    std::string text;
    std::vector<int> known;
    // What stands between ids that SentencePiece refuses is decoded on its own.
    auto const decode_known = [&] {
        std::string part;
        auto const status = impl_->processor.Decode(known, &part);
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

bool Tokenizer::knows(std::int32_t id) const {
    return id >= 0 && id < vocab_size();
}

}  // namespace gatesweep
