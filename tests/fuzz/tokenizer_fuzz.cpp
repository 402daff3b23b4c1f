// Input: tokenizer.model. What loads must encode and decode.
#include "fuzz_target.h"
#include "gatesweep/input/tokenizer.h"

void gatesweep::fuzz::fuzz_one(std::string_view input) {
    static MemoryFile file;
    Tokenizer const tokenizer(file.holding(input));
    require(tokenizer.bos_id() < tokenizer.vocab_size() && tokenizer.eos_id() < tokenizer.vocab_size(),
            "BOS and EOS are in the vocabulary");
    for (std::string_view const text : {"", " a b\n", "<s>[INST] \xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80 \xff", "x\0y"}) {
        auto const ids = tokenizer.encode(text);
        for (auto const id : ids)
            require(id >= 0 && id < tokenizer.vocab_size(), "ids are in the vocabulary");
        tokenizer.decode(ids);
    }
}
