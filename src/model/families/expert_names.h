// Private to model: how families with routers name their experts.
#pragma once

#include <string_view>

#include "family.h"

namespace gatesweep {

// The part of a layer that holds router and experts, an expert's matrices, and the expert that every token goes to.
struct ExpertNames {
    std::string_view block, gate, down, up;
    std::string_view shared = "shared_expert";
};

// All matrices of the model, a tensor for every matrix of an expert: model.layers.l.BLOCK.experts.e.GATE.weight.
WeightMap expert_by_expert(ModelConfig const& config, ExpertNames const& names);
// The same with a layer's experts together: model.layers.l.mlp.experts.gate_up_proj [E,2F,D], .down_proj [E,D,F], as
// transformers 5 holds them in memory, and saves them where it is asked to.
WeightMap fused_experts(ModelConfig const& config);
WeightMap fused_experts_beside(ModelConfig const& config, std::string_view shared);

}  // namespace gatesweep
