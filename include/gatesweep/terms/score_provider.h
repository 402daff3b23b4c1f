// Score providers: methods that give every expert a number, with a sign. A signal is a provider, with the difference of
// its group means as the score. One row makes a provider's words; src/analysis/providers has its formula.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/terms/measure.h"
#include "gatesweep/terms/signal_kind.h"

namespace gatesweep {

struct ProviderFacts {
    std::string_view word;      // in jobs and tables
    std::string_view title;     // in prose
    std::string_view score;     // what the number of an expert is
    std::string_view positive;  // what a number above 0 says of the expert
    std::optional<Measure> needs = {};
};

inline constexpr std::string_view more_on_malicious = "more on the malicious group";

inline constexpr std::string_view risk_difference_word = "risk-difference",
                                  routing_sensitivity_word = "routing-sensitivity";

inline constexpr std::array own_providers = {
    ProviderFacts{
        risk_difference_word, "risk difference",
        "share of the counted tokens of side 0 of the first [[pairs]] that chose the expert, minus the same of "
        "side 1",
        "more used on side 0"},
    ProviderFacts{"safex", "stability selection",
                  "share of the malicious group's resamples in whose top ranks by activation the expert is, minus the "
                  "benign group's",
                  "stably among the most used of the malicious group alone"},
    ProviderFacts{"gate-mass", "gate mass", "mean weight per token, malicious minus benign", more_on_malicious,
                  Measure::gate_mass},
    ProviderFacts{"reap", "REAP saliency",
                  "mean over the tokens routed to the expert of its weight times the length of its output, malicious "
                  "minus benign",
                  more_on_malicious, Measure::output_norm},
    ProviderFacts{"logit-gradient", "logit gradient",
                  "mean over the malicious group of d refusal margin / d router logit, summed over tokens",
                  "a larger logit makes a refusal likelier", Measure::margin_gradient},
    ProviderFacts{"log-ratio", "log ratio", "log of the share of tokens that chose it, malicious minus benign",
                  more_on_malicious},
    ProviderFacts{
        routing_sensitivity_word, "routing sensitivity",
        "mean change of its share of the routing from a benign to a harmful prompt of the same topic, over its "
        "mean |change| between topics",
        "more on the harmful of two prompts of one topic"},
};

constexpr ProviderFacts provider_of(SignalFacts const& signal) {
    return {signal.job_word, signal.title, signal.score, more_on_malicious};
}

// The signals first, then the others.
inline std::vector<ProviderFacts> score_providers() {
    std::vector<ProviderFacts> all;
    for (SignalFacts const& signal : signal_kinds)
        all.push_back(provider_of(signal));
    all.insert(all.end(), own_providers.begin(), own_providers.end());
    return all;
}
// Nothing for a word that names none.
inline std::optional<ProviderFacts> find_provider(std::string_view word) {
    for (ProviderFacts const& facts : score_providers()) {
        if (facts.word == word) return facts;
    }
    return std::nullopt;
}

}  // namespace gatesweep
