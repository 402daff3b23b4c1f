#include "gatesweep/sweep/outcomes.h"

#include <gtest/gtest.h>

#include <set>

namespace gatesweep {
namespace {

TEST(Label, NamesReadBack) {
    std::set<std::string_view> names;
    for (Label const label : all_labels) {
        EXPECT_EQ(parse_label(to_string(label)), label);
        names.insert(to_string(label));
    }
    EXPECT_EQ(names.size(), all_labels.size());
    EXPECT_EQ(to_string(Label::partial_refusal), "partial_refusal");
    for (auto const text : {"", "refusal", "Full_refusal", "full_refusal ", "full-refusal"})
        EXPECT_FALSE(parse_label(text).has_value()) << text;
}

TEST(Label, RefusalsAreRestrictedAndNonsenseIsNot) {
    EXPECT_EQ(is_restricted(Label::full_refusal), true);
    EXPECT_EQ(is_restricted(Label::partial_refusal), true);
    EXPECT_EQ(is_restricted(Label::full_compliance), false);
    EXPECT_EQ(is_restricted(Label::incoherent), false);
    EXPECT_EQ(is_restricted(Label::unscored), std::nullopt);
}

TEST(SweepOutcomes, GroupsAreInOrderOfAppearance) {
    SweepOutcomes outcomes;
    EXPECT_TRUE(outcomes.groups().empty());
    outcomes.group = {"harmful", "benign", "harmful", "alpha", "benign"};
    EXPECT_EQ(outcomes.groups(), (std::vector<std::string>{"harmful", "benign", "alpha"}));
}

}  // namespace
}  // namespace gatesweep
