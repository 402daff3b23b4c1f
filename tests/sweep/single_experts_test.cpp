// The screen without the model: openings, a variant for every expert, and what margins come to.
#include "gatesweep/sweep/single_experts.h"

#include <gtest/gtest.h>

namespace gatesweep {
namespace {

using Ids = std::vector<std::int32_t>;

Completion completion(std::int64_t prompt, Ids ids) {
    return {prompt, 0, std::move(ids), FinishReason::length};
}

TEST(FrequentOpeners, AreTheFirstFourTokensByFrequency) {
    std::vector<Completion> const completions = {completion(0, {1, 2, 3, 4, 9}), completion(1, {5, 6, 7, 8, 1}),
                                                 completion(2, {1, 2, 3, 4}),    completion(3, {0, 0, 0, 7, 7}),
                                                 completion(4, {8, 8, 8, 8, 8}), completion(5, {4, 4, 4})};
    std::vector<Label> const labels = {Label::full_refusal, Label::full_refusal,    Label::full_refusal,
                                       Label::full_refusal, Label::full_compliance, Label::full_compliance};
    Openers const openers = frequent_openers(completions, labels);
    EXPECT_EQ(openers.refusals, (std::vector<Ids>{{1, 2, 3, 4}, {0, 0, 0, 7}, {5, 6, 7, 8}}))
        << "equal counts in the order of their ids";
    EXPECT_EQ(openers.compliances, (std::vector<Ids>{{8, 8, 8, 8}})) << "three tokens are no opening";
}

TEST(FrequentOpeners, LeaveOutWhatBeginsBothKindsAndOtherLabels) {
    std::vector<Completion> const completions = {completion(0, {1, 2, 3, 4}), completion(1, {1, 2, 3, 4}),
                                                 completion(2, {5, 5, 5, 5}), completion(3, {6, 6, 6, 6}),
                                                 completion(4, {7, 7, 7, 7})};
    std::vector<Label> const labels = {Label::full_refusal, Label::full_compliance, Label::partial_refusal,
                                       Label::incoherent, Label::full_refusal};
    Openers const openers = frequent_openers(completions, labels);
    EXPECT_EQ(openers.refusals, (std::vector<Ids>{{7, 7, 7, 7}}));
    EXPECT_TRUE(openers.compliances.empty());
}

TEST(FrequentOpeners, AreEightAtMost) {
    std::vector<Completion> completions;
    for (std::int32_t i = 0; i < 12; ++i) {
        for (std::int32_t n = 0; n <= i; ++n)
            completions.push_back(completion(0, {i, i, i, i}));
    }
    std::vector<Label> const labels(completions.size(), Label::full_refusal);
    Openers const openers = frequent_openers(completions, labels);
    ASSERT_EQ(openers.refusals.size(), 8u);
    EXPECT_EQ(openers.refusals.front(), (Ids{11, 11, 11, 11}));
    EXPECT_EQ(openers.refusals.back(), (Ids{4, 4, 4, 4}));
}

TEST(SingleExpertEdits, HaveAVariantForEveryExpertInOrder) {
    for (EditModeFacts const& mode : edit_modes) {
        RouterEdits const edits = single_expert_edits(2, 3, mode.mode);
        ASSERT_EQ(edits.num_variants(), 1 + 2 * 3);
        for (std::int32_t variant = 1; variant < 7; ++variant) {
            std::int64_t const layer = (variant - 1) / 3, expert = (variant - 1) % 3;
            EXPECT_EQ(edits.entry(variant, 1 - layer, Phase::prefill), 0) << "the other layer is left alone";
            auto const entry = static_cast<std::size_t>(edits.entry(variant, layer, Phase::decode));
            LayerEdit const& edit = edits.layer_edits()[entry];
            EXPECT_EQ(edit.mode, mode.mode);
            for (std::int64_t e = 0; e < 3; ++e) {
                float const wanted = e != expert ? 0.0F : mode.value == EditValue::sign ? -1.0F : 1.0F;
                EXPECT_EQ(edit.values[static_cast<std::size_t>(e)], wanted) << to_string(mode) << " " << variant;
            }
        }
    }
}

TEST(ScreenOf, IsTheMeanByGroupAndTheChangeByPrompt) {
    std::vector<std::string> const groups = {"harmful", "benign", "harmful", "harmful"};
    std::vector<std::int64_t> const rows = {0, 3, 1};  // prompt 2 was not screened
    std::vector<RefusalMargin> margins;
    auto const add = [&](std::int32_t variant, double of_0, double of_1, double of_3) {
        margins.push_back({0, variant, of_0});
        margins.push_back({1, variant, of_1});
        margins.push_back({3, variant, of_3});
    };
    add(0, 2.0, -1.0, 4.0);
    add(1, 1.0, -1.5, 3.0);
    add(2, 2.0, -1.0, 6.0);
    Screen const screen = screen_of(margins, rows, groups, 1, 2);
    EXPECT_EQ(screen.margin_change.shape, (std::vector<std::int64_t>{3, 1, 2}));
    EXPECT_EQ(screen.margin_change.values, (std::vector<double>{-1.0, 0.0, -1.0, 2.0, -0.5, 0.0}));
    ASSERT_EQ(screen.table.rows.size(), 4u);
    EXPECT_EQ(screen.table.rows[0], (std::vector<std::string>{"0", "0", "benign", "-1.5", "-0.5"}));
    EXPECT_EQ(screen.table.rows[1], (std::vector<std::string>{"0", "1", "benign", "-1", "0"}));
    EXPECT_EQ(screen.table.rows[2], (std::vector<std::string>{"0", "0", "harmful", "2", "-1"}));
    EXPECT_EQ(screen.table.rows[3], (std::vector<std::string>{"0", "1", "harmful", "4", "1"}));
}

TEST(SingleExperts, AreThoseOfLayersWithARouter) {
    MoeLayers const moe_layers({1, 3});
    RouterEdits const edits = single_expert_edits(5, 2, EditMode::mask, moe_layers);
    EXPECT_EQ(edits.num_variants(), 1 + 2 * 2);
    for (std::int32_t variant = 1; variant < 5; ++variant) {
        for (std::int64_t layer = 0; layer < 5; ++layer) {
            bool const is_edited = layer == moe_layers.layer((variant - 1) / 2);
            EXPECT_EQ(edits.entry(variant, layer, Phase::prefill) != 0, is_edited) << variant << " in " << layer;
        }
    }
}

}  // namespace
}  // namespace gatesweep
