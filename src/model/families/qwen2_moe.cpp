// Qwen1.5's and Qwen2's mixtures of experts: biases of queries, keys and values, and an expert that every token goes
// to.
#include "qwen2_moe.h"

#include "mlp_experts.h"

namespace gatesweep {
namespace {

void read_config(ConfigFields const& fields, ModelConfig& config) {
    read_qwen_config(fields, config);
    config.heads.has_bias = fields.flag_or("qkv_bias", true);
    config.shared_size = fields.size_or("shared_expert_intermediate_size", 5632, max_config_width);
}

}  // namespace

Family const qwen2_moe = {"qwen2_moe", "Qwen2 MoE", false, 16, read_config, mlp_expert_spellings, {qwen_rope_types}};

}  // namespace gatesweep
