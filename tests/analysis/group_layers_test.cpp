// Layers that two groups route alike, against layers that they do not.
#include "gatesweep/analysis/group_layers.h"

#include <gtest/gtest.h>

namespace gatesweep {
namespace {

// Two layers of two experts, top-1: in layer 0 every prompt halves its tokens but for a token more or less by turns; in
// layer 1 the groups take different experts.
AnalysisInput two_layers() {
    AnalysisInput input;
    input.parameters.benign = "benign";
    input.parameters.malicious = "harmful";
    input.moe_layers = MoeLayers({3, 5});
    input.activation_counts = NdArray<std::int64_t>({8, 2, 2});
    for (std::int64_t p = 0; p < 8; ++p) {
        bool const is_harmful = p >= 4;
        input.groups.emplace_back(is_harmful ? "harmful" : "benign");
        input.num_tokens.push_back(10);
        std::int64_t const first = 5 + (p % 2 == 0 ? 1 : -1), second = is_harmful ? 9 : 1;
        input.activation_counts.at(p, 0, 0) = first;
        input.activation_counts.at(p, 0, 1) = 10 - first;
        input.activation_counts.at(p, 1, 0) = second;
        input.activation_counts.at(p, 1, 1) = 10 - second;
    }
    return input;
}

TEST(GroupLayers, TellFlatLayersFromOthers) {
    CsvTable const table = group_layers_table(two_layers());
    ASSERT_EQ(table.rows.size(), 2u);
    EXPECT_EQ(table.integer(0, "layer"), 3);
    EXPECT_DOUBLE_EQ(table.number(0, "mean_abs_difference"), 0.0);
    EXPECT_NEAR(table.number(0, "mean_abs_by_chance"), 0.2, 1e-15);
    EXPECT_EQ(table.integer(0, "flat"), 1);
    EXPECT_EQ(table.integer(1, "layer"), 5);
    EXPECT_NEAR(table.number(1, "mean_abs_difference"), 0.8, 1e-15);
    EXPECT_NEAR(table.number(1, "max_abs_difference"), 0.8, 1e-15);
    EXPECT_NEAR(table.number(1, "mean_abs_by_chance"), 0.0, 1e-15);
    EXPECT_EQ(table.integer(1, "flat"), 0);
}

TEST(GroupLayers, OfSinglePromptsKnowNoChance) {
    AnalysisInput input = two_layers();
    for (std::size_t p : {1, 2, 3, 5, 6, 7})
        input.groups[p] = "other";
    CsvTable const table = group_layers_table(input);
    EXPECT_EQ(table.text(1, "mean_abs_by_chance"), "nan");
    EXPECT_EQ(table.integer(1, "flat"), 0);
}

}  // namespace
}  // namespace gatesweep
