// A tokenizer.model by the library SentencePiece: Tokenization::mistral.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/input/tokenizer.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace gatesweep::bpe {

class SentencePieceTokenizer {
public:
    // Errors: input_missing (says so when only tokenizer.json exists), bad_data.
    explicit SentencePieceTokenizer(std::filesystem::path const& model_file);
    ~SentencePieceTokenizer();
    SentencePieceTokenizer(SentencePieceTokenizer&&) noexcept;

    std::int64_t vocab_size() const { return vocab_size_; }
    std::int32_t bos_id() const;
    std::int32_t eos_id() const;
    std::vector<ControlPiece> const& control_pieces() const { return control_pieces_; }
    // SentencePiece's own encoding, without BOS and EOS; the dummy prefix is added at every call.
    std::vector<std::int32_t> encode(std::string_view text, std::vector<TokenPlace>* places = nullptr) const;
    std::string decode(std::span<std::int32_t const> ids) const;
    std::string piece(std::int32_t id) const;
    bool knows(std::int32_t id) const { return id >= 0 && id < vocab_size_; }

private:
    std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
    std::vector<ControlPiece> control_pieces_;
    std::int64_t vocab_size_ = 0;
};

}  // namespace gatesweep::bpe
