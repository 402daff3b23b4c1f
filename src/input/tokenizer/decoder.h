// The decoders of tokenizer.json: tokens back to text.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "pattern.h"

namespace gatesweep::bpe {

class Decoder {
public:
    // Without one, tokens are joined by spaces, as the reference does.
    Decoder() = default;
    explicit Decoder(Fields const& fields);

    std::string decode(std::vector<std::string> tokens) const;

private:
    struct ByteLevel {};
    struct ByteFallback {};
    struct Fuse {};
    struct Strip {
        std::string content;
        std::size_t start;
        std::size_t stop;
    };
    struct Replace {
        Pattern pattern;
        std::string content;
    };
    struct Metaspace {
        std::string replacement;
        bool drops_first;
    };
    using Step = std::variant<ByteLevel, ByteFallback, Fuse, Strip, Replace, Metaspace>;
    void add(Fields const& fields, int depth);
    static void apply(Step const& step, std::vector<std::string>& tokens);

    std::vector<Step> steps_;
    bool exists_ = false;
};

}  // namespace gatesweep::bpe
