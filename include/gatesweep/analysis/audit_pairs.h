// Which prompts an audit pairs (terms/audit_parameters.h): a function of the prompts and what their files say of them,
// the same for any layout of ranks.
//
//   topic        every prompt of the two groups with one of its group of the next topic: the i-th of a topic with the
//                i-th of the next, from the start again where there are fewer, topics in the order in which the group
//                names them, the last followed by the first; a pair that is there already is left out
//   matched      the i-th harmful and the i-th benign prompt of one value of the pair column, or of one topic
//   cross-topic  as many pairs as there are prompts in the two groups: a prompt drawn at random, and one of another
//                topic, from a fixed seed
//   others       every harmful prompt with itself
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/analysis/bootstrap.h"
#include "gatesweep/terms/analysis_parameters.h"
#include "gatesweep/terms/audit_parameters.h"

namespace gatesweep {

struct PromptMetadata;

struct AuditPrompts {
    std::vector<std::string> const& ids;     // [P]
    std::vector<std::string> const& groups;  // [P]
    PromptMetadata const& metadata;
    AnalysisParameters const& roles;
    AuditParameters const& audit;
};

// Prompts a and b. Matched: a is the harmful one.
struct PromptPair {
    std::int64_t a = 0, b = 0;

    bool operator==(PromptPair const&) const = default;
};

// `who` needs the pairs, as messages say it: "the condition topic", "the provider routing-sensitivity". Errors:
// ExitCode::job where a column is missing, a prompt of the two groups has no value in it, or no pair comes about.
std::vector<PromptPair> audit_pairs(AuditCondition condition, AuditPrompts const& prompts, std::string_view who);
std::string who_needs(AuditCondition condition);
inline constexpr std::string_view who_needs_routing_sensitivity = "the provider routing-sensitivity";
std::string_view matched_by(AuditPrompts const& prompts);  // the column that matched prompts share

// The prompts of the two groups, ascending: those that the audit measures.
std::vector<std::int64_t> audited_prompts(AuditPrompts const& prompts);
std::vector<std::int64_t> prompts_of_group(AuditPrompts const& prompts, std::string const& group);

// Resamples of the pairs of a condition, the same for everything that is computed of them; rows count from 0.
std::vector<DrawnRows> resampled_audit_pairs(AuditCondition condition, std::size_t num_pairs, std::int64_t resamples);

}  // namespace gatesweep
