// SentencePiece tokenizer of a checkpoint (tokenizer.model). Text never becomes a control token here: "<s>" typed in a
// prompt stays text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep {

// A piece that text never becomes: "<s>", "</s>", and in later vocabularies "[INST]".
struct ControlPiece {
    std::string text;
    std::int32_t id = 0;
};

class Tokenizer {
public:
    // Errors: input_missing (says so when only tokenizer.json exists), bad_data.
    explicit Tokenizer(std::filesystem::path const& model_file);
    ~Tokenizer();
    Tokenizer(Tokenizer&&) noexcept;

    std::int64_t vocab_size() const;
    std::int32_t bos_id() const;
    std::int32_t eos_id() const;
    std::vector<ControlPiece> const& control_pieces() const;
    // SentencePiece's own encoding, without BOS and EOS; the dummy prefix is added at every call.
    std::vector<std::int32_t> encode(std::string_view text) const;
    // Control pieces vanish; a byte that is no UTF-8 becomes U+FFFD, and so does an id that is not known.
    std::string decode(std::span<std::int32_t const> ids) const;
    // Models may generate others: rows that pad the embedding, tokens that were added in files that are not read.
    bool knows(std::int32_t id) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace gatesweep
