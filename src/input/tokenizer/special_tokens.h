// What the files beside a tokenizer say about its special tokens: tokenizer_config.json, special_tokens_map.json,
// added_tokens.json.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "added_tokens.h"

namespace gatesweep::bpe {

struct SpecialTokens {
    std::map<std::string, AddedToken> named;  // "bos_token", "eos_token", ..: those that a file names
    std::vector<std::string> named_nothing;   // those that a file says there are none of
    std::vector<AddedToken> added;            // of added_tokens_decoder or added_tokens.json, by id
    std::vector<AddedToken> more;             // additional_special_tokens, extra_special_tokens; no_id_yet
    bool adds_bos = false;
    bool adds_eos = false;
    bool legacy = true;
    bool has_decoder = false;  // added_tokens_decoder, whose flags count before tokenizer.json's

    // Files that are not there say nothing. Errors: bad_data.
    static SpecialTokens read(std::filesystem::path const& folder);
    // The names that transformers knows, in its order.
    static std::vector<std::string> const& names();
    // `added`, `named` and `more` as tokens to add, in transformers' order.
    std::vector<AddedToken> to_add() const;
};

}  // namespace gatesweep::bpe
