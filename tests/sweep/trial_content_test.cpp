#include "sweep/trial_content.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace gatesweep {
namespace {

Trial biased(std::vector<ExpertEdit> edits, EditScope scope = EditScope::both) {
    Trial trial;
    trial.mode = EditMode::bias;
    trial.scope = scope;
    trial.edits = std::move(edits);
    return trial;
}

TEST(TrialContent, TellsEverythingApartThatTheModelWouldNotice) {
    std::vector<ExpertEdit> const edits = {{{0, 11}, 0.1}, {{1, 1}, -2.0}};
    EXPECT_EQ(trial_content(EditMode::bias, EditScope::both, edits), "bias|both|0:11=0.1;1:1=-2");
    EXPECT_EQ(trial_content(EditMode::zero_renormalise, EditScope::decode, {}), "zero-renormalise|decode|");
    std::vector<ExpertEdit> const nearly = {{{0, 11}, 0.1}, {{1, 1}, -2.0000000000000004}};
    EXPECT_NE(trial_content(EditMode::bias, EditScope::both, nearly),
              trial_content(EditMode::bias, EditScope::both, edits));
}

TEST(KnownTrials, FindTheTrialThatDoesTheSame) {
    KnownTrials known;
    Trial first = biased({{{0, 0}, 1.0}}), other = biased({{{0, 0}, 1.0}}, EditScope::decode), same = first;
    same.name = "another name";
    EXPECT_TRUE(known.add(first, 1).is_new);
    EXPECT_TRUE(known.add(other, 2).is_new);
    auto const place = known.add(same, 3);
    EXPECT_FALSE(place.is_new);
    EXPECT_EQ(place.index, 1u);
    EXPECT_EQ(same.id, first.id);
    EXPECT_NE(other.id, first.id);
}

// Two doses whose digests begin alike, found by trying 28 million.
TEST(KnownTrials, NeverMixTwoTrialsOfOneId) {
    KnownTrials known;
    Trial first = biased({{{0, 0}, 144694.0}}), second = biased({{{0, 0}, 11803560.0}});
    known.add(first, 1);
    EXPECT_EQ(first.id, "t8770a2c00965");
    EXPECT_ERROR(known.add(second, 2), ExitCode::internal, "8770a2c00965");
}

TEST(Manner, IsSilentAboutMaskingAlways) {
    EXPECT_EQ(manner(EditMode::mask, std::nullopt, EditScope::both), "");
    EXPECT_EQ(manner(EditMode::bias, -2.0, EditScope::decode), ", bias -2, decode");
    EXPECT_EQ(manner(EditMode::zero_renormalise, std::nullopt, EditScope::both), ", zero-renormalise");
}

}  // namespace
}  // namespace gatesweep
