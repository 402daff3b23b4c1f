// Input: a tokenizer.json, or a tokenizer.model as transformers reads it. What loads must encode and decode.
#include <nlohmann/json.hpp>

#include "fuzz_target.h"
#include "gatesweep/input/strict_json.h"
#include "input/tokenizer/json_tokenizer.h"
#include "input/tokenizer/sentencepiece_model.h"

void gatesweep::fuzz::fuzz_one(std::string_view input) {
    static MemoryFile file;
    auto const content = input.starts_with("{")
                             ? parse_strict_json(input, "tokenizer.json")
                             : bpe::SentencePieceModel::read(file.holding(input)).as_tokenizer_json(true, {});
    bpe::JsonTokenizer const tokenizer(content, "tokenizer.json", {});
    for (std::string_view const text :
         {"", " a b\n", "<s>[INST] \xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80 \xff", "e\xcc\x81 12345"}) {
        for (bool const is_user : {false, true}) {
            auto const ids = tokenizer.encode({std::string(text), std::string(is_user ? text.size() : 0, '\1')});
            for (auto const id : ids)
                require(id >= 0 && id < tokenizer.vocab_size(), "ids are in the vocabulary");
            tokenizer.decode(ids);
        }
        tokenizer.holds_special({std::string(text), ""});
    }
    for (std::int32_t id = 0; id < tokenizer.vocab_size(); ++id)
        tokenizer.shown(id);
}
