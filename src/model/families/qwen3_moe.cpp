// Qwen3's mixtures of experts: heads of a width of their own, each normed.
#include "qwen3_moe.h"

#include "mlp_experts.h"

namespace gatesweep {
namespace {

void read_config(ConfigFields const& fields, ModelConfig& config) {
    read_qwen_config(fields, config);
    config.heads.norm = HeadRule::Norm::each;
    fields.refuse_unless_false("attention_bias");
}

}  // namespace

Family const qwen3_moe = {"qwen3_moe", "Qwen3 MoE", false, 4, read_config, mlp_expert_spellings, {qwen_rope_types}};

}  // namespace gatesweep
