// The tokenizer of a checkpoint: tokenizer.json or tokenizer.model, with the same ids as Hugging Face's libraries give;
// or, asked for, as mistral-common encodes with tokenizer.model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatesweep {

// huggingface: what transformers does, from tokenizer.json where it is there, else from tokenizer.model.
// mistral: SentencePiece's own encoding of tokenizer.model, turn by turn (mistral-common's V1).
enum class Tokenization { huggingface, mistral };

// Whether "</s>" or "<|im_end|>", written in a prompt by its author, is text or the token.
// parse is what transformers does. mistral-common has text alone, and so has Tokenization::mistral.
enum class SpecialInText { text, parse };
constexpr std::string_view to_string(Tokenization tokenization) {
    return tokenization == Tokenization::mistral ? "mistral" : "huggingface";
}
constexpr std::string_view to_string(SpecialInText special) {
    return special == SpecialInText::parse ? "parse" : "text";
}

// A piece that text never becomes: "<s>", "</s>", and in later vocabularies "[INST]".
struct ControlPiece {
    std::string text;
    std::int32_t id = 0;
};

// The bytes of a text that a token stands for: [begin, end).
struct TokenPlace {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool operator==(TokenPlace const&) const = default;
};

class Tokenizer {
public:
    static constexpr std::int32_t no_token = -1;
    static constexpr char by_user = 'u';  // in `authors`

    // Errors: input_missing, bad_data.
    static Tokenizer load(std::filesystem::path const& folder, Tokenization tokenization = Tokenization::huggingface,
                          SpecialInText special_in_text = SpecialInText::text);
    // The file that load would read; it may be missing.
    static std::filesystem::path file_of(std::filesystem::path const& folder, Tokenization tokenization);
    // A tokenizer.model, as Tokenization::mistral. Errors: input_missing (says so when only tokenizer.json exists),
    // bad_data.
    explicit Tokenizer(std::filesystem::path const& model_file);
    ~Tokenizer();
    Tokenizer(Tokenizer&&) noexcept;

    Tokenization tokenization() const;
    SpecialInText special_in_text() const;
    std::int64_t vocab_size() const;  // with added tokens
    // no_token where the checkpoint has none.
    std::int32_t bos_id() const;
    std::int32_t eos_id() const;
    std::vector<ControlPiece> const& control_pieces() const;
    // What a chat template knows by name: {"bos_token", "<s>"}, ...
    std::vector<std::pair<std::string, std::string>> const& named_tokens() const;

    // Of all encoders, `places`, where it is asked for: where each token stands in the text. What was put before a text
    // or a word, such as a dummy prefix, counts as part of what follows; what was put around stands nowhere.

    // Text of a user's, with nothing around it. SentencePiece models add a dummy prefix at every call.
    std::vector<std::int32_t> encode(std::string_view text, std::vector<TokenPlace>* places = nullptr) const;
    // A text whose bytes each have an author; as long as `text`. Special tokens count where no byte is a user's, or
    // everywhere with SpecialInText::parse. Nothing is put around it. Tokenization::huggingface only.
    std::vector<std::int32_t> encode(std::string_view text, std::string_view authors,
                                     std::vector<TokenPlace>* places = nullptr) const;
    // What tokenizer(text) gives: with what the post-processor, or add_bos_token and add_eos_token, puts around.
    std::vector<std::int32_t> encode_plain(std::string_view text, std::vector<TokenPlace>* places = nullptr) const;
    // Whether a user's text holds what transformers would take for special tokens.
    bool holds_special(std::string_view text) const;
    // Special tokens vanish; bytes that are no UTF-8 become U+FFFD, and so does an id that is not known.
    std::string decode(std::span<std::int32_t const> ids) const;
    // A token for people to read; U+FFFD for what is no text, and for an id that is not known.
    std::string piece(std::int32_t id) const;
    // Models may generate others: rows that pad the embedding.
    bool knows(std::int32_t id) const;

private:
    struct Impl;
    explicit Tokenizer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace gatesweep
