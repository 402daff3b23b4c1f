// Which prompts an audit pairs, and what it says where it cannot.
#include "gatesweep/analysis/audit_pairs.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "analysis/audit_input_example.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

class AuditPairs : public testing::Test {
protected:
    std::vector<PromptPair> pairs(AuditCondition condition) const {
        return audit_pairs(condition, test::prompts_of(input_), who_needs(condition));
    }
    std::string const& topic(std::int64_t p) const { return input_.metadata.rows[static_cast<std::size_t>(p)][1]; }
    std::string const& group(std::int64_t p) const { return input_.groups[static_cast<std::size_t>(p)]; }

    AnalysisInput input_ = test::audited_input(30, 3);
};

TEST_F(AuditPairs, ByHand) {
    //           0  1  2  3  4  5  6  7
    // group     b  h  b  h  b  h  b  h
    // topic     x  x  y  y  x  x  x  z
    input_.groups = {"benign", "harmful", "benign", "harmful", "benign", "harmful", "benign", "harmful"};
    input_.prompt_ids.resize(8);
    input_.metadata.rows.clear();
    for (char const* const topic : {"x", "x", "y", "y", "x", "x", "x", "z"})
        input_.metadata.rows.push_back({"", topic});
    // benign x 0 4 6, y 2; harmful x 1 5, y 3, z 7
    EXPECT_EQ(pairs(AuditCondition::topic),
              (std::vector<PromptPair>{{0, 2}, {4, 2}, {6, 2}, {1, 3}, {5, 3}, {3, 7}, {7, 1}}));
    EXPECT_EQ(pairs(AuditCondition::matched), (std::vector<PromptPair>{{1, 0}, {5, 4}, {3, 2}}));
    EXPECT_EQ(pairs(AuditCondition::continuation), (std::vector<PromptPair>{{1, 1}, {3, 3}, {5, 5}, {7, 7}}));
    EXPECT_EQ(audited_prompts(test::prompts_of(input_)).size(), 8u);

    // A pair column goes before the topic; who has none there has no partner.
    input_.metadata.columns.push_back("pair");
    for (auto& row : input_.metadata.rows)
        row.emplace_back();
    for (std::size_t const p : {7u, 2u})
        input_.metadata.rows[p][2] = "one";
    EXPECT_EQ(matched_by(test::prompts_of(input_)), "pair");
    EXPECT_EQ(pairs(AuditCondition::matched), (std::vector<PromptPair>{{7, 2}}));
}

TEST_F(AuditPairs, ChangeTopicAloneHarmAloneOrAnything) {
    for (PromptPair const pair : pairs(AuditCondition::topic)) {
        EXPECT_EQ(group(pair.a), group(pair.b));
        EXPECT_NE(topic(pair.a), topic(pair.b));
    }
    for (PromptPair const pair : pairs(AuditCondition::matched)) {
        EXPECT_EQ(group(pair.a), "harmful");
        EXPECT_EQ(group(pair.b), "benign");
        EXPECT_EQ(topic(pair.a), topic(pair.b));
    }
    auto const drawn = pairs(AuditCondition::cross_topic);
    EXPECT_EQ(drawn.size(), audited_prompts(test::prompts_of(input_)).size());
    EXPECT_EQ(drawn, pairs(AuditCondition::cross_topic));
    std::set<std::string> kinds;
    for (PromptPair const pair : drawn) {
        EXPECT_NE(topic(pair.a), topic(pair.b));
        EXPECT_NE(group(pair.a), "other");
        EXPECT_NE(group(pair.b), "other");
        kinds.insert(group(pair.a) + group(pair.b));
    }
    EXPECT_GE(kinds.size(), 3u);
}

TEST_F(AuditPairs, SayWhatTheyMissAndForWhat) {
    input_.audit.parameters.topic = "Topic";
    EXPECT_ERROR(
        pairs(AuditCondition::topic), ExitCode::job,
        "[audit] topic = \"Topic\": the prompt files have no such column beside the prompts, and the condition "
        "topic needs it (they have note, topic)");
    EXPECT_ERROR(pairs(AuditCondition::matched), ExitCode::job, "the condition matched needs it");
    EXPECT_ERROR(pairs(AuditCondition::cross_topic), ExitCode::job, "the condition cross-topic needs it");
    EXPECT_NO_THROW(pairs(AuditCondition::refusal_prefix));
    input_.audit.parameters.topic = "topic";
    input_.audit.parameters.pair = "twin";
    EXPECT_ERROR(pairs(AuditCondition::matched), ExitCode::job, "[audit] pair = \"twin\"");
    EXPECT_NO_THROW(pairs(AuditCondition::topic));
    input_.audit.parameters.pair = "";
    input_.metadata.rows[1][1] = "";
    EXPECT_ERROR(pairs(AuditCondition::topic), ExitCode::job, "has nothing in this column");
    for (auto& row : input_.metadata.rows)
        row[1] = "one";
    EXPECT_ERROR(pairs(AuditCondition::topic), ExitCode::job, "has one value alone in each of the two groups");
    EXPECT_ERROR(pairs(AuditCondition::cross_topic), ExitCode::job, "has one value alone in the two groups");
    EXPECT_NO_THROW(pairs(AuditCondition::matched));
    for (std::size_t p = 0; p < input_.groups.size(); ++p)
        input_.metadata.rows[p][1] = input_.groups[p];
    EXPECT_ERROR(pairs(AuditCondition::matched), ExitCode::job, "no pair of prompts for the condition matched");
}

}  // namespace
}  // namespace gatesweep
