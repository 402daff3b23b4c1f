// Private to model: the experts of DeepSeek's families.
#pragma once

#include "family.h"

namespace gatesweep {

// model.layers.l.mlp.experts.e.gate_proj|down_proj|up_proj.weight and .shared_experts, and the layer's experts
// together.
extern Spelling const deepseek_spellings[2];

// Counts and widths of experts. From layer first_k_dense_replace on, each layer whose number is a multiple of
// `router_step` has a router. Refuses routers other than those that take the largest of a softmax.
void read_deepseek_experts(ConfigFields const& fields, ModelConfig& config, std::int64_t router_step);

}  // namespace gatesweep
