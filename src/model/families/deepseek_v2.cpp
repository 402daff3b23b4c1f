// DeepSeek-V2: latent attention, the experts of DeepSeekMoE, and a router that may keep some groups of experts.
#include "deepseek_v2.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "deepseek_experts.h"
#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

std::int64_t width_or(ConfigFields const& fields, char const* key, std::int64_t absent) {
    return fields.size_or(key, absent, max_config_width);
}

void read_latent_attention(ConfigFields const& fields, ModelConfig& config) {
    LatentRule rule;
    // A null asks for queries without a rank.
    rule.query_rank = width_or(fields, "q_lora_rank", fields.contains("q_lora_rank") ? 0 : 1536);
    rule.key_value_rank = width_or(fields, "kv_lora_rank", 512);
    rule.plain_dim = width_or(fields, "qk_nope_head_dim", 128);
    rule.rotated_dim = width_or(fields, "qk_rope_head_dim", 64);
    rule.value_dim = width_or(fields, "v_head_dim", 128);
    config.head_dim = rule.plain_dim + rule.rotated_dim;
    config.latent = rule;
    if (config.num_kv_heads != config.num_heads)
        fields.wrong("num_key_value_heads", config.num_kv_heads, "num_attention_heads (each head has keys of its own)");
    if (rule.rotated_dim % 2 != 0)
        fields.wrong("qk_rope_head_dim", rule.rotated_dim, "even (the rotary embedding turns pairs)");
    if (rule.value_dim > config.head_dim)
        fields.wrong("v_head_dim", rule.value_dim,
                     "at most qk_nope_head_dim + qk_rope_head_dim (values stand in the width of keys)");
    if (config.num_heads * config.head_dim > max_config_width)
        fields.wrong("qk_nope_head_dim", rule.plain_dim, "less (no model has heads so wide together)");
    fields.refuse_unless_false("attention_bias");
}

void read_groups(ConfigFields const& fields, ModelConfig& config) {
    auto const* const given = fields.find("topk_method");
    std::string const method = given ? fields.text(*given, "topk_method") : "greedy";
    if (method == "greedy") return;
    if (method != "group_limited_greedy")
        fields.wrong("topk_method", *given, "\"greedy\" or \"group_limited_greedy\" (what gatesweep computes)");
    RouterRule& router = config.router;
    router.num_groups = fields.required({"n_group"}, config.num_experts);
    router.kept_groups = fields.required({"topk_group"}, router.num_groups);
    if (config.num_experts % router.num_groups != 0)
        fields.wrong("n_group", router.num_groups, "a divisor of n_routed_experts (groups are of equal size)");
    if (config.top_k > config.num_experts / router.num_groups * router.kept_groups)
        fields.wrong("topk_group", router.kept_groups, "so many groups as hold num_experts_per_tok experts");
}

void read_config(ConfigFields const& fields, ModelConfig& config) {
    read_deepseek_experts(fields, config, 1);
    if (config.shared_size == 0) config.shared_size = 2 * config.intermediate_size;
    config.router.renormalise = false;
    config.router.in_float32 = true;
    if (auto const* const scale = fields.find("routed_scaling_factor"))
        config.router.scale = fields.real(*scale, "routed_scaling_factor", std::numeric_limits<float>::min(), 1e6);
    read_groups(fields, config);
    read_latent_attention(fields, config);
    // What its class in transformers does not compute.
    fields.refuse_unless_false("norm_topk_prob");
    fields.refuse_unless_false("mlp_bias");
    if (auto const* const step = fields.find("moe_layer_freq")) fields.integer(*step, "moe_layer_freq", 1, 1);
    if (fields.contains("n_shared_experts") && fields.find("n_shared_experts") == nullptr)
        fields.wrong("n_shared_experts", nullptr, "the number of experts that every token goes to");
}

constexpr RopeType deepseek_rope_types[] = {RopeType::plain, RopeType::yarn};

}  // namespace

Family const deepseek_v2 = {"deepseek_v2",      "DeepSeek-V2",        false, 0, read_config,
                            deepseek_spellings, {deepseek_rope_types}};

}  // namespace gatesweep
