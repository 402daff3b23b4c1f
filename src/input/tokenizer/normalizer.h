// The normalizers of tokenizer.json: NFC, Prepend, Replace, and Sequences of them.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "nfc.h"
#include "pattern.h"

namespace gatesweep::bpe {

class Normalizer {
public:
    Normalizer() = default;  // changes nothing
    explicit Normalizer(Fields const& fields);

    // Errors: bad_data for a text that grows beyond all reason.
    MarkedText apply(MarkedText text) const;

private:
    struct Nfc {};
    struct Prepend {
        std::string text;
    };
    struct Replace {
        Pattern pattern;
        std::string content;
    };
    using Step = std::variant<Nfc, Prepend, Replace>;
    void add(Fields const& fields, int depth);
    static MarkedText replace(Replace const& step, MarkedText text);

    std::vector<Step> steps_;
};

}  // namespace gatesweep::bpe
