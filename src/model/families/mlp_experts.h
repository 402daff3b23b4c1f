// Private to model: what OLMoE and Qwen's families share.
#pragma once

#include "family.h"

namespace gatesweep {

// model.layers.l.mlp.experts.e.gate_proj|down_proj|up_proj.weight, as on the hub, and the layer's experts together.
extern Spelling const mlp_expert_spellings[2];

// As the documents of Qwen's models have it, for texts longer than those of their training.
inline constexpr RopeType qwen_rope_types[] = {RopeType::plain, RopeType::yarn};

// What Qwen's families have in common: fields of their experts and layers, refusing sliding windows.
void read_qwen_config(ConfigFields const& fields, ModelConfig& config);

}  // namespace gatesweep
