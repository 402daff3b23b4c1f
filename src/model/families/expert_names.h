// Private to model: how families with routers name their experts.
#pragma once

#include <string_view>

#include "family.h"

namespace gatesweep {

// The router and the expert that every token goes to, in the part of a layer that holds the experts.
struct BesideExperts {
    std::string_view router = "gate", shared = "shared_expert";
};

// That part, and an expert's matrices.
struct ExpertNames {
    std::string_view block, gate, down, up;
    BesideExperts beside = {};
};

// All matrices of the model, a tensor for every matrix of an expert: model.layers.l.BLOCK.experts.e.GATE.weight.
WeightMap expert_by_expert(ModelConfig const& config, ExpertNames const& names);
// The same with a layer's experts together: model.layers.l.mlp.experts.gate_up_proj [E,2F,D], .down_proj [E,D,F], as
// transformers 5 holds them in memory, and saves them where it is asked to.
WeightMap fused_experts(ModelConfig const& config, BesideExperts const& names = {});

}  // namespace gatesweep
