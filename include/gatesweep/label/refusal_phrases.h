// Labels of completions by phrases: the labeller of last resort, in need of nothing but text.
//
// jobs/refusal_phrases.toml holds the rules, how they are written and what label follows from which; it is also built
// in. A labeller's error is part of every rate it gives: sweep/label_validation.h measures it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "gatesweep/label/label.h"

namespace gatesweep {

struct PhraseRules;

class PhraseLabeller {
public:
    static PhraseLabeller built_in();
    // Errors: input_missing; ExitCode::job with file, line and phrase.
    static PhraseLabeller load(std::filesystem::path const& path);
    static PhraseLabeller parse(std::string_view text, std::string const& name);

    // A function of the text alone, never `unscored`. Takes any bytes; linear in their number.
    Label label(std::string_view completion) const;

    // "1", and what tells rules apart whose version was not raised: "1 (built in)", "2 (sha256 0123456789ab)".
    std::string const& version() const;

private:
    explicit PhraseLabeller(std::shared_ptr<PhraseRules const> rules) : rules_(std::move(rules)) {}
    std::shared_ptr<PhraseRules const> rules_;  // a labeller is cheap to copy
};

}  // namespace gatesweep
