// Maps of a score per expert, [L, E], and how those of single prompts become those of a group. A row of L is a layer
// with a router.
//
// Sums run in prompt order, then layer, then expert, in float64: the result is a function of the input alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/base/nd_array.h"
#include "gatesweep/terms/expert_id.h"
#include "gatesweep/terms/moe_layers.h"

namespace gatesweep {

// One map, owned by somebody else.
struct MapView {
    std::int64_t num_layers = 0;
    std::int64_t num_experts = 0;
    std::span<double const> values;  // [L, E]

    double at(std::int64_t layer, std::int64_t expert) const {
        return values[static_cast<std::size_t>(layer * num_experts + expert)];
    }
    std::span<double const> layer(std::int64_t l) const {
        return values.subspan(static_cast<std::size_t>(l * num_experts), static_cast<std::size_t>(num_experts));
    }
};

struct ScoreMap {
    std::int64_t num_layers = 0;
    std::int64_t num_experts = 0;
    std::vector<double> values;  // [L, E]

    MapView view() const { return {num_layers, num_experts, values}; }
};

// Row `prompt` of maps [P, L, E].
MapView prompt_map(NdArray<double> const& maps, std::int64_t prompt);

// Every layer of every prompt divided by its sum; a layer whose sum is 0 stays 0. Counts are summed exactly.
NdArray<double> normalise_layers(NdArray<std::int64_t> const& counts);  // [P, L, E] -> [P, L, E]
NdArray<double> normalise_layers(NdArray<double> const& scores);

// Over the maps of `prompts` (rows of [P, L, E], at least one), each prompt with the same weight.
struct GroupMaps {
    ScoreMap mean;
    ScoreMap std;  // sample standard deviation, divisor n - 1; 0 for one prompt
};
GroupMaps group_maps(NdArray<double> const& maps, std::span<std::int64_t const> prompts);

}  // namespace gatesweep
