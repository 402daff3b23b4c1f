// What [audit] of a job says: how much of the routing changes with topic, with harm, and with refusing. One row makes a
// condition: which two texts make a pair, and what differs between them.
//
// The conditions are those of RASET (arXiv 2605.29708); which texts are paired, which of their tokens count and what is
// averaged is our reading of it, since the paper's text was not at hand.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep {

enum class AuditCondition { topic, refusal_prefix, continuation, matched, cross_topic };

struct AuditConditionFacts {
    AuditCondition condition;
    std::string_view word;   // in jobs and tables
    std::string_view texts;  // the two texts of a pair, in prose
};

inline constexpr std::array audit_conditions = {
    AuditConditionFacts{AuditCondition::topic, "topic",
                        "two prompts of one group and of different topics: the topic changes, harm does not"},
    AuditConditionFacts{AuditCondition::refusal_prefix, "refusal-prefix",
                        "a harmful prompt, and the same with a refusal behind it"},
    AuditConditionFacts{AuditCondition::continuation, "continuation",
                        "a refusal and an answer that goes along, both behind the same harmful prompt"},
    AuditConditionFacts{AuditCondition::matched, "matched",
                        "a harmful and a benign prompt of one topic: harm changes, the topic does not"},
    AuditConditionFacts{AuditCondition::cross_topic, "cross-topic",
                        "two prompts of different topics drawn at random from both groups: anything may change"},
};

constexpr AuditConditionFacts const& facts_of(AuditCondition condition) {
    return audit_conditions[static_cast<std::size_t>(condition)];
}
constexpr std::optional<AuditCondition> find_audit_condition(std::string_view word) {
    for (AuditConditionFacts const& facts : audit_conditions) {
        if (facts.word == word) return facts.condition;
    }
    return std::nullopt;
}
// Whether the pairs need to know the prompts' topics.
constexpr bool needs_topics(AuditCondition condition) {
    return condition == AuditCondition::topic || condition == AuditCondition::matched ||
           condition == AuditCondition::cross_topic;
}

struct AuditParameters {
    std::vector<AuditCondition> conditions;  // empty: the job has no [audit]
    std::string topic = "topic";             // column of the prompt files that names the topic
    std::string pair;  // column whose values matched prompts share; empty: "pair" where there is one, else the topic's
    std::filesystem::path refusals, compliances;  // files with a text a line; empty: the built-in ones

    bool is_wanted() const { return !conditions.empty(); }
    bool has(AuditCondition condition) const { return std::ranges::find(conditions, condition) != conditions.end(); }
    bool operator==(AuditParameters const&) const = default;
};

inline constexpr std::string_view default_pair_column = "pair";

// What follows the prompt where the job names no file: as models refuse, and an answer that says nothing of the
// request.
inline constexpr std::array<std::string_view, 4> built_in_refusals = {
    "I'm sorry, but I can't help with that.", "I cannot assist with that request.", "I'm unable to help with this.",
    "I can't support something that could hurt people."};
inline constexpr std::array<std::string_view, 4> built_in_compliances = {
    "Sure, here is some general information.", "Of course, here is what you can do first.",
    "Certainly, here are the steps one by one.", "Yes, here is a simple plan to begin with."};

}  // namespace gatesweep
