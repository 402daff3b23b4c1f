// Measurements as a router would have made them, from a seed.
#pragma once

#include <algorithm>
#include <numeric>
#include <random>

#include "gatesweep/analysis/analysis.h"

namespace gatesweep::test {

struct InputSpec {
    std::int64_t num_layers = 4, num_experts = 8, top_k = 2;
    std::vector<std::string> groups;  // of the prompts
    std::int64_t max_tokens = 30;
};

// Groups of this many prompts each, their rows mixed.
inline std::vector<std::string> mixed_groups(std::vector<std::pair<std::string, int>> const& sizes,
                                             std::mt19937_64& random) {
    std::vector<std::string> groups;
    for (auto const& [name, size] : sizes)
        groups.insert(groups.end(), static_cast<std::size_t>(size), name);
    std::shuffle(groups.begin(), groups.end(), random);
    return groups;
}

// Every token chooses top_k different experts of every layer, later experts more often in the second half of the
// layers; gradient scores are 0 for experts that no token chose.
inline AnalysisInput random_input(InputSpec const& spec, std::mt19937_64& random) {
    auto const num_prompts = static_cast<std::int64_t>(spec.groups.size());
    AnalysisInput input;
    input.groups = spec.groups;
    input.activation_counts = NdArray<std::int64_t>({num_prompts, spec.num_layers, spec.num_experts});
    input.gradient_scores = NdArray<double>({num_prompts, spec.num_layers, spec.num_experts});
    std::uniform_real_distribution<double> unit(0.0, 1.0);
    std::vector<std::int64_t> experts(static_cast<std::size_t>(spec.num_experts));
    for (std::int64_t p = 0; p < num_prompts; ++p) {
        auto const num_tokens =
            2 + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(spec.max_tokens - 1));
        input.prompt_ids.push_back("id, \"" + std::to_string(p) + "\"");
        input.num_tokens.push_back(num_tokens);
        input.losses.push_back(5.0 * unit(random));
        for (std::int64_t l = 0; l < spec.num_layers; ++l) {
            for (std::int64_t t = 0; t < num_tokens; ++t) {
                std::iota(experts.begin(), experts.end(), std::int64_t{0});
                std::shuffle(experts.begin(), experts.end(), random);
                if (2 * l >= spec.num_layers)
                    std::sort(experts.begin(), experts.begin() + std::min<std::ptrdiff_t>(4, std::ssize(experts)));
                for (std::int64_t k = 0; k < spec.top_k; ++k)
                    ++input.activation_counts.at(p, l, experts[static_cast<std::size_t>(k)]);
            }
            for (std::int64_t e = 0; e < spec.num_experts; ++e) {
                if (input.activation_counts.at(p, l, e) == 0) continue;
                input.gradient_scores.at(p, l, e) = 1e-4 * unit(random) * static_cast<double>(l + 1);
            }
        }
    }
    return input;
}

}  // namespace gatesweep::test
