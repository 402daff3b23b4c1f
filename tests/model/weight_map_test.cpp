// Where the matrices of a model lie in a checkpoint, in each spelling of a family.
#include "gatesweep/model/weight_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "model/families/mistral.h"
#include "model/families/mixtral.h"
#include "model/small_config.h"

namespace gatesweep {
namespace {

WeightMap map_of(Family const& family, std::size_t spelling) {
    return family.spellings[spelling].map(small_config());
}

TEST(WeightMap, HubTensorsAreWhole) {
    WeightMap const map = map_of(mixtral, 0);
    for (auto const& [role, name] :
         {std::pair{WeightRole::expert_gate, "w1"}, {WeightRole::expert_down, "w2"}, {WeightRole::expert_up, "w3"}}) {
        StoredWeight const& weight = map.at({role, 1, 2});
        EXPECT_EQ(weight.tensor, std::string("model.layers.1.block_sparse_moe.experts.2.") + name + ".weight");
        EXPECT_EQ(weight.first_element, 0u);
        EXPECT_EQ(weight.num_elements(), 16 * 32);
        EXPECT_EQ(weight.shape, weight.tensor_shape);
    }
    EXPECT_EQ(map.at({WeightRole::router, 1}).tensor, "model.layers.1.block_sparse_moe.gate.weight");
    EXPECT_EQ(map.at({WeightRole::input_norm, 1}).tensor, "model.layers.1.input_layernorm.weight");
}

// Fills [E,2F,D] by the indices of its rows and finds them again through the map.
TEST(WeightMap, FusedWeightsAreTheRowsOfTheirExpert) {
    ModelConfig const config = small_config();
    WeightMap const map = map_of(mixtral, 1);
    std::int64_t const e_count = config.num_experts, f = config.intermediate_size, d = config.hidden_size;
    std::vector<int> owner(static_cast<std::size_t>(e_count * 2 * f * d));
    for (std::size_t i = 0; i < owner.size(); ++i) {
        auto const row = static_cast<std::int64_t>(i) / d;  // row of the stacked [E * 2F, D]
        owner[i] = static_cast<int>(row / (2 * f) * 10 + (row % (2 * f) < f ? 1 : 3));
    }
    for (std::int64_t e = 0; e < e_count; ++e) {
        for (auto const& [role, number] : {std::pair{WeightRole::expert_gate, 1}, {WeightRole::expert_up, 3}}) {
            StoredWeight const& weight = map.at({role, 0, e});
            EXPECT_EQ(weight.tensor, "model.layers.0.mlp.experts.gate_up_proj");
            ASSERT_EQ(weight.num_elements(), f * d);
            auto const first = owner.begin() + static_cast<std::ptrdiff_t>(weight.first_element);
            EXPECT_EQ(std::count(first, first + f * d, static_cast<int>(10 * e) + number), f * d);
        }
        StoredWeight const& down = map.at({WeightRole::expert_down, 1, e});
        EXPECT_EQ(down.tensor, "model.layers.1.mlp.experts.down_proj");
        EXPECT_EQ(down.first_element, static_cast<std::uint64_t>(e * d * f));
        EXPECT_EQ(down.shape, (std::vector<std::int64_t>{d, f}));
    }
    EXPECT_EQ(map.at({WeightRole::router, 1}).tensor, "model.layers.1.mlp.gate.weight");
}

// Sizes are taken from the first spelling for all of them.
TEST(WeightMap, EverySpellingHasTheSameWeights) {
    for (Family const* family : families()) {
        for (Spelling const& spelling : family->spellings) {
            ModelConfig const config = small_config();
            WeightMap const first = family->spellings.front().map(config), other = spelling.map(config);
            ASSERT_EQ(first.weights().size(), other.weights().size());
            for (auto const& [place, weight] : first.weights())
                EXPECT_EQ(other.at(place).shape, weight.shape);
            EXPECT_TRUE(std::ranges::any_of(other.weights(), [&](auto const& entry) {
                return entry.second.tensor == spelling.sign(config);
            })) << family->title;
        }
    }
}

TEST(WeightMap, ADenseModelHasNoRouter) {
    WeightMap const map = map_of(mistral, 0);
    EXPECT_FALSE(map.has({WeightRole::router, 0}));
    EXPECT_EQ(map.at({WeightRole::expert_up, 1, 0}).tensor, "model.layers.1.mlp.up_proj.weight");
}

}  // namespace
}  // namespace gatesweep
