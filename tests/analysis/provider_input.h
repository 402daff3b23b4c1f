// Measurements for score providers, from a seed.
#pragma once

#include "analysis/random_input.h"

namespace gatesweep::test {

// random_input with every measure, and providers for all that can be computed from them.
inline AnalysisInput provider_input(InputSpec const& spec, std::mt19937_64& random) {
    AnalysisInput input = random_input(spec, random);
    std::uniform_real_distribution<double> unit(0.0, 1.0);
    auto const& shape = input.activation_counts.shape;
    for (MeasureFacts const& facts : measure_kinds) {
        NdArray<double>& values = input.measures.emplace(facts.measure, NdArray<double>(shape)).first->second;
        for (std::size_t i = 0; i < values.values.size(); ++i) {
            auto const count = static_cast<double>(input.activation_counts.values[i]);
            values.values[i] = facts.is_signed ? unit(random) - 0.5 : count * (0.2 + 0.8 * unit(random));
        }
    }
    for (ProviderFacts const& facts : score_providers()) {
        bool const needs_pairs =  // tested with them
            facts.word == risk_difference_word || facts.word == routing_sensitivity_word;
        if (!needs_pairs) input.scores.providers.emplace_back(facts.word);
    }
    return input;
}

// Tokens of the prompts of a group go to the expert instead of to others of its layer.
inline void plant(AnalysisInput& input, std::string const& group, std::int64_t layer, std::int64_t expert) {
    auto& counts = input.activation_counts;
    for (std::int64_t p = 0; p < counts.shape[0]; ++p) {
        if (input.groups[static_cast<std::size_t>(p)] != group) continue;
        for (std::int64_t e = 0; e < counts.shape[2]; ++e) {
            std::int64_t const room = input.num_tokens[static_cast<std::size_t>(p)] - counts.at(p, layer, expert);
            if (e == expert) continue;
            std::int64_t const moved = std::min(room, counts.at(p, layer, e) / 2);
            counts.at(p, layer, e) -= moved;
            counts.at(p, layer, expert) += moved;
        }
    }
}

}  // namespace gatesweep::test
