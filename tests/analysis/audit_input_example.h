// Prompts with topics, and routing vectors of theirs, from a seed.
#pragma once

#include <cmath>
#include <random>
#include <string>

#include "analysis/random_input.h"
#include "gatesweep/analysis/audit_pairs.h"

namespace gatesweep::test {

// Groups benign, harmful and other by turns; topics "a", "b", "c" by threes.
inline AnalysisInput audited_input(int num_prompts, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    InputSpec spec;
    for (int p = 0; p < num_prompts; ++p)
        spec.groups.push_back(p % 7 == 6 ? "other" : p % 2 ? "harmful" : "benign");
    AnalysisInput input = random_input(spec, random);
    input.audit.parameters.conditions = {AuditCondition::topic, AuditCondition::matched};
    input.metadata.columns = {"note", "topic"};
    for (int p = 0; p < num_prompts; ++p)
        input.metadata.rows.push_back({"x", std::string(1, static_cast<char>('a' + p / 3 % 3))});
    input.audit.shares = NdArray<double>(input.gradient_scores.shape, std::nan(""));
    std::uniform_real_distribution<double> unit(0.0, 1.0);
    std::int64_t const num_experts = input.audit.shares.shape[2];
    for (int p = 0; p < num_prompts; ++p) {
        if (spec.groups[static_cast<std::size_t>(p)] == "other") continue;
        for (std::int64_t l = 0; l < input.audit.shares.shape[1]; ++l) {
            double sum = 0.0;
            for (std::int64_t e = 0; e < num_experts; ++e)
                sum += input.audit.shares.at(p, l, e) = unit(random) * unit(random);
            for (std::int64_t e = 0; e < num_experts; ++e)
                input.audit.shares.at(p, l, e) /= sum;
        }
    }
    return input;
}

inline AuditPrompts prompts_of(AnalysisInput const& input) {
    return {input.prompt_ids, input.groups, input.metadata, input.parameters, input.audit.parameters};
}

}  // namespace gatesweep::test
