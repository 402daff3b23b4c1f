// A tokenizer.model (SentencePiece, byte-pair encoding) as the tokenizer.json that Hugging Face's transformers makes of
// it for a checkpoint of the Mistral family: the model's own normalization, merges by score, dummy prefix.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "added_tokens.h"

namespace gatesweep::bpe {

struct SentencePieceModel {
    struct Piece {
        std::string text;
        float score = 0;
        int type = 1;
    };
    static constexpr int normal = 1, control = 3, user_defined = 4;

    std::vector<Piece> pieces;
    std::string unknown = "<unk>", bos = "<s>", eos = "</s>";
    int unknown_id = 0, bos_id = 1, eos_id = 2;  // -1: none
    bool adds_dummy_prefix = true;
    bool removes_extra_spaces = true;
    bool escapes_spaces = true;
    bool falls_back_to_bytes = false;

    // Errors: input_missing; bad_data, also for a model that is no byte-pair encoding or maps characters.
    static SentencePieceModel read(std::filesystem::path const& file);

    // `legacy` is tokenizer_config.json's: a dummy prefix before every part of a text between added tokens, not before
    // the text alone. `named` gives other names to ids that the model has.
    nlohmann::json as_tokenizer_json(bool legacy, std::vector<AddedToken> const& named) const;
};

}  // namespace gatesweep::bpe
