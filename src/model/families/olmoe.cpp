// OLMoE: queries and keys normed over their whole width, and limited where the config says so.
#include "olmoe.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "mlp_experts.h"

namespace gatesweep {
namespace {

constexpr std::int32_t default_eos = 50279;

void read_config(ConfigFields const& fields, ModelConfig& config) {
    config.router.renormalise = fields.flag_or("norm_topk_prob", false);
    read_expert_counts(fields, config);
    config.heads.norm = HeadRule::Norm::width;
    if (auto const* const clip = fields.find("clip_qkv")) {
        config.heads.clip =
            fields.real(*clip, "clip_qkv", std::numeric_limits<float>::min(), std::numeric_limits<float>::max());
    }
    config.rope_theta = 1e4;
    config.max_position_embeddings = 4096;
    config.eos_token_ids = {default_eos};
    fields.refuse_unless_false("attention_bias");
    fields.refuse_unless_absent("sliding_window");
    if (config.num_heads * config.head_dim != config.hidden_size)
        fields.wrong("head_dim", *fields.find("head_dim"), "hidden_size divided by num_attention_heads");
}

}  // namespace

Family const olmoe = {"olmoe", "OLMoE", false, 0, read_config, mlp_expert_spellings};

}  // namespace gatesweep
