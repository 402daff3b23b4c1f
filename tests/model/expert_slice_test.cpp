// Where the rows of an expert lie, in either layout.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gatesweep/model/model_config.h"
#include "model/small_config.h"

namespace gatesweep {
namespace {

TEST(ExpertSlice, HubTensorsAreWhole) {
    ModelConfig const config = small_config();
    for (auto const& [matrix, name] :
         {std::pair{ExpertMatrix::w1, "w1"}, {ExpertMatrix::w2, "w2"}, {ExpertMatrix::w3, "w3"}}) {
        TensorSlice const slice = expert_slice(ExpertLayout::hub, config, 1, 2, matrix);
        EXPECT_EQ(slice.tensor, std::string("model.layers.1.block_sparse_moe.experts.2.") + name + ".weight");
        EXPECT_EQ(slice.first_element, 0u);
        EXPECT_EQ(slice.num_elements, 16u * 32u);
    }
}

// Fills [E,2F,D] and [E,D,F] by their indices and finds them again through the slices.
TEST(ExpertSlice, FusedSlicesHoldTheRowsOfTheirExpert) {
    ModelConfig const config = small_config();
    std::int64_t const e_count = config.num_experts, f = config.intermediate_size, d = config.hidden_size;
    std::vector<int> owner(static_cast<std::size_t>(e_count * 2 * f * d));
    for (std::size_t i = 0; i < owner.size(); ++i) {
        auto const row = static_cast<std::int64_t>(i) / d;  // row of the stacked [E * 2F, D]
        owner[i] = static_cast<int>(row / (2 * f) * 10 + (row % (2 * f) < f ? 1 : 3));
    }
    for (std::int64_t e = 0; e < e_count; ++e) {
        for (auto const& [matrix, number] : {std::pair{ExpertMatrix::w1, 1}, {ExpertMatrix::w3, 3}}) {
            TensorSlice const slice = expert_slice(ExpertLayout::fused, config, 0, e, matrix);
            EXPECT_EQ(slice.tensor, "model.layers.0.mlp.experts.gate_up_proj");
            ASSERT_EQ(slice.num_elements, static_cast<std::uint64_t>(f * d));
            auto const first = owner.begin() + static_cast<std::ptrdiff_t>(slice.first_element);
            EXPECT_EQ(std::count(first, first + f * d, static_cast<int>(10 * e) + number), f * d);
        }
        TensorSlice const down = expert_slice(ExpertLayout::fused, config, 1, e, ExpertMatrix::w2);
        EXPECT_EQ(down.tensor, "model.layers.1.mlp.experts.down_proj");
        EXPECT_EQ(down.first_element, static_cast<std::uint64_t>(e * d * f));
        EXPECT_EQ(down.num_elements, static_cast<std::uint64_t>(d * f));
    }
}

}  // namespace
}  // namespace gatesweep
