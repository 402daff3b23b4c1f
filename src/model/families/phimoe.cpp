// Phi-3.5-MoE: LayerNorm, biases, two experts by sparsemixer, longrope.
#include "phimoe.h"

#include <nlohmann/json.hpp>

#include "expert_names.h"

namespace gatesweep {
namespace {

void read_config(ConfigFields const& fields, ModelConfig& config) {
    config.router = {RouterRule::Choice::sparsemixer, false};
    read_expert_counts(fields, config);
    if (config.top_k != 2)
        fields.wrong("num_experts_per_tok", nlohmann::json(config.top_k), "2 (sparsemixer takes two experts)");
    // The noise itself is of training alone, but in evaluation too it says which logits are near.
    auto const* const noise = fields.find("router_jitter_noise");
    config.router.threshold = 2 * (noise == nullptr ? 0.01 : fields.real(*noise, "router_jitter_noise", 0, 1e6));
    config.has_layer_norm = true;
    config.heads.has_bias = config.heads.has_output_bias = fields.flag_or("attention_bias", false);
    config.has_head_bias = fields.flag_or("lm_head_bias", false);
    read_window(fields, config);
}

// model.layers.l.block_sparse_moe.experts.e.w1|w2|w3.weight, as on the hub.
WeightMap hub(ModelConfig const& c) {
    return expert_by_expert(c, {"block_sparse_moe", "w1", "w2", "w3"});
}

constexpr Spelling spellings[] = {
    {hub, [](ModelConfig const&) { return layer_tensor(0, "block_sparse_moe.gate.weight"); }},
    {[](ModelConfig const& c) { return fused_experts(c, {.router = "router"}); },
     [](ModelConfig const&) { return layer_tensor(0, "mlp.router.weight"); }},
};

constexpr RopeType ropes[] = {RopeType::plain, RopeType::longrope};

}  // namespace

// transformers 5.24 does not tell the rotary embedding how long a sequence is where it takes the factors: short_factor
// stays, and only long_mscale takes the place of short_mscale. (Earlier versions changed to long_factor.)
Family const phimoe = {"phimoe", "Phi-3.5 MoE", false, 8, read_config, spellings, {ropes, true, true}};

}  // namespace gatesweep
