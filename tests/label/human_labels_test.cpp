// Labels of people on the replies of a sweep.
#include "gatesweep/label/human_labels.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace gatesweep {
namespace {

HumanLabel by_place(std::string trial, std::int64_t prompt, Label label) {
    return {std::move(trial), "harmful", prompt, label, std::nullopt, std::nullopt, "labels.csv row 1"};
}

HumanLabel by_text(std::string trial, std::int64_t prompt, std::string asked, std::string answered, Label label) {
    return {std::move(trial), "harmful", prompt, label, std::move(asked), std::move(answered), "sheet.csv row 2"};
}

// Two prompts under the baseline and two trials; the last trial answers prompt 0 in its own way.
std::vector<Reply> const replies = {
    {"baseline", "harmful", 0, "How?", "I cannot."}, {"baseline", "harmful", 1, "Why?", "I cannot."},
    {"t1", "harmful", 0, "How?", "I cannot."},       {"t1", "harmful", 1, "Why?", "I cannot."},
    {"t2", "harmful", 0, "How?", "Like this."},      {"t2", "harmful", 1, "Why?", "I cannot."},
};

std::vector<std::optional<Label>> labels_of(std::vector<HumanLabel> rows) {
    return labels_of_replies({std::move(rows), 0}, replies).labels;
}

constexpr auto refusal = Label::full_refusal, compliance = Label::full_compliance;
constexpr auto none = std::nullopt;
using Labels = std::vector<std::optional<Label>>;

TEST(LabelsOfReplies, HoldForEveryEqualReplyToThePrompt) {
    EXPECT_EQ(labels_of({by_place("baseline", 0, compliance)}),
              (Labels{compliance, none, compliance, none, none, none}));
    EXPECT_EQ(labels_of({by_place("t2", 1, refusal), by_place("t2", 0, compliance)}),
              (Labels{none, refusal, none, refusal, compliance, refusal}));
    EXPECT_EQ(labels_of({}), (Labels(6, none)));
}

TEST(LabelsOfReplies, FollowTheTextOfASheetFromAnotherRun) {
    // Its trial is not there, its text is.
    EXPECT_EQ(labels_of({by_text("t9", 7, "How?", "Like this.", compliance)}),
              (Labels{none, none, none, none, compliance, none}));
    // Its place is there with another reply: the label is not that reply's.
    auto const other = labels_of_replies({{by_text("t1", 0, "How?", "No way.", refusal)}, 0}, replies);
    EXPECT_EQ(other.labels, (Labels(6, none)));
    EXPECT_EQ(other.num_unused, 1u);
}

TEST(LabelsOfReplies, SurviveWhatASpreadsheetDoesToTheText) {
    std::vector<Reply> const lines = {{"baseline", "harmful", 0, "How?", "First,\nna\u00EFvely: \u201Cno\u201D."}};
    HumanLabels human{{by_text("baseline", 0, "How?", "First,\r\nna?vely: \"no\". ", refusal)}, 0};
    EXPECT_EQ(labels_of_replies(human, lines).labels, Labels{refusal});
    human.labels[0].completion = "First, naively yes.";
    EXPECT_EQ(labels_of_replies(human, lines).labels, Labels{none});
}

TEST(LabelsOfReplies, CannotContradictEachOther) {
    EXPECT_ERROR(labels_of({by_place("baseline", 0, compliance), by_text("t1", 0, "How?", "I cannot.", refusal)}),
                 ExitCode::bad_data, "sheet.csv row 2", "labels.csv row 1", "full_refusal", "full_compliance");
    EXPECT_EQ(labels_of({by_place("baseline", 0, refusal), by_place("t1", 0, refusal)})[0], refusal)
        << "twice the same is fine";
}

TEST(LabelsOfReplies, StayWithRepliesThatCannotBeRead) {
    std::vector<Reply> const ids = {{"baseline", "harmful", 0, "", std::nullopt},
                                    {"t1", "harmful", 0, "", std::nullopt}};
    EXPECT_EQ(labels_of_replies({{by_place("t1", 0, refusal)}, 0}, ids).labels, (Labels{none, refusal}));
    // Prompts of token ids have no text to be equal by.
    std::vector<Reply> const prompts = {{"baseline", "harmful", 0, "", "No."}, {"baseline", "harmful", 1, "", "No."}};
    EXPECT_EQ(labels_of_replies({{by_place("baseline", 0, refusal)}, 0}, prompts).labels, (Labels{refusal, none}));
}

}  // namespace
}  // namespace gatesweep
