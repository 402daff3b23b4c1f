#include "family.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "deepseek.h"
#include "deepseek_v2.h"
#include "gatesweep/base/error.h"
#include "gpt_oss.h"
#include "llama.h"
#include "mistral.h"
#include "mixtral.h"
#include "olmoe.h"
#include "phimoe.h"
#include "qwen2.h"
#include "qwen2_moe.h"
#include "qwen3.h"
#include "qwen3_moe.h"

namespace gatesweep {
namespace {

// In the places of q_proj, k_proj and v_proj.
void add_latent_heads(WeightMap& map, ModelConfig const& c, std::int64_t layer) {
    LatentRule const& rule = *c.latent;
    std::int64_t const d = c.hidden_size, q = c.num_heads * c.head_dim;
    auto const add = [&](WeightRole role, std::string_view name, std::vector<std::int64_t> const& shape) {
        map.add({role, layer}, layer_tensor(layer, fmt::format("self_attn.{}.weight", name)), shape);
    };
    if (rule.query_rank > 0) {
        add(WeightRole::latent_q, "q_a_proj", {rule.query_rank, d});
        add(WeightRole::q_norm, "q_a_layernorm", {rule.query_rank});
        add(WeightRole::expand_q, "q_b_proj", {q, rule.query_rank});
    } else {
        add(WeightRole::q_proj, "q_proj", {q, d});
    }
    add(WeightRole::latent_kv, "kv_a_proj_with_mqa", {rule.key_value_rank + rule.rotated_dim, d});
    add(WeightRole::k_norm, "kv_a_layernorm", {rule.key_value_rank});
    add(WeightRole::expand_kv, "kv_b_proj", {c.num_heads * (rule.plain_dim + rule.value_dim), rule.key_value_rank});
}

// Queries, keys and values, with their biases and norms.
void add_heads(WeightMap& map, ModelConfig const& c, std::int64_t layer) {
    std::int64_t const d = c.hidden_size, q = c.num_heads * c.head_dim, kv = c.num_kv_heads * c.head_dim;
    auto const add = [&](WeightRole role, std::string_view name, std::vector<std::int64_t> const& shape) {
        map.add({role, layer}, layer_tensor(layer, name), shape);
    };
    add(WeightRole::q_proj, "self_attn.q_proj.weight", {q, d});
    add(WeightRole::k_proj, "self_attn.k_proj.weight", {kv, d});
    add(WeightRole::v_proj, "self_attn.v_proj.weight", {kv, d});
    if (c.heads.has_bias) {
        add(WeightRole::q_bias, "self_attn.q_proj.bias", {q});
        add(WeightRole::k_bias, "self_attn.k_proj.bias", {kv});
        add(WeightRole::v_bias, "self_attn.v_proj.bias", {kv});
    }
    if (c.heads.norm != HeadRule::Norm::none) {
        bool const is_each = c.heads.norm == HeadRule::Norm::each;
        add(WeightRole::q_norm, "self_attn.q_norm.weight", {is_each ? c.head_dim : q});
        add(WeightRole::k_norm, "self_attn.k_norm.weight", {is_each ? c.head_dim : kv});
    }
}

}  // namespace

std::span<Family const* const> families() {
    static constexpr std::array all = {&mixtral,  &olmoe,       &phimoe, &qwen2_moe, &qwen3_moe, &gpt_oss,
                                       &deepseek, &deepseek_v2, &llama,  &mistral,   &qwen2,     &qwen3};
    return all;
}

Family const* find_family(std::string_view model_type) {
    auto const found = std::ranges::find(families(), model_type, &Family::model_type);
    return found == families().end() ? nullptr : *found;
}

Family const& family_of(std::string_view model_type) {
    Family const* const family = find_family(model_type);
    GATESWEEP_EXPECT(family != nullptr);
    return *family;
}

std::string layer_tensor(std::int64_t layer, std::string_view suffix) {
    return fmt::format("model.layers.{}.{}", layer, suffix);
}

void add_ends(WeightMap& map, ModelConfig const& c) {
    map.add({WeightRole::embedding}, "model.embed_tokens.weight", {c.vocab_size, c.hidden_size});
    map.add({WeightRole::final_norm}, "model.norm.weight", {c.hidden_size});
    if (c.has_layer_norm) map.add({WeightRole::final_norm_bias}, "model.norm.bias", {c.hidden_size});
    if (!c.tie_word_embeddings) map.add({WeightRole::lm_head}, "lm_head.weight", {c.vocab_size, c.hidden_size});
    if (c.has_head_bias) map.add({WeightRole::lm_head_bias}, "lm_head.bias", {c.vocab_size});
}

void add_attention(WeightMap& map, ModelConfig const& c, std::int64_t layer) {
    std::int64_t const d = c.hidden_size;
    auto const add = [&](WeightRole role, std::string_view name, std::vector<std::int64_t> const& shape) {
        map.add({role, layer}, layer_tensor(layer, name), shape);
    };
    add(WeightRole::input_norm, "input_layernorm.weight", {d});
    c.latent ? add_latent_heads(map, c, layer) : add_heads(map, c, layer);
    if (c.heads.has_sinks) add(WeightRole::sinks, "self_attn.sinks", {c.num_heads});
    add(WeightRole::o_proj, "self_attn.o_proj.weight", {d, c.num_heads * c.value_dim()});
    if (c.heads.has_output_bias) add(WeightRole::o_bias, "self_attn.o_proj.bias", {d});
    add(WeightRole::post_attention_norm, "post_attention_layernorm.weight", {d});
    if (!c.has_layer_norm) return;
    add(WeightRole::input_norm_bias, "input_layernorm.bias", {d});
    add(WeightRole::post_attention_norm_bias, "post_attention_layernorm.bias", {d});
}

void read_window(ConfigFields const& fields, ModelConfig& config) {
    if (fields.find("sliding_window") != nullptr)
        config.sliding_window = fields.size_or("sliding_window", 1, max_config_positions);
}

void refuse_windows(ConfigFields const& fields) {
    fields.refuse_unless_false("use_sliding_window");
    auto const* const types = fields.find("layer_types");
    if (types == nullptr) return;
    bool const is_full = types->is_array() && std::ranges::all_of(*types, [](auto const& t) {
                             return t.is_string() && t.template get_ref<std::string const&>() == "full_attention";
                         });
    if (!is_full) fields.wrong("layer_types", *types, "a list of \"full_attention\" alone (what gatesweep computes)");
}

void read_expert_counts(ConfigFields const& fields, ModelConfig& config) {
    config.num_experts = fields.required({"num_local_experts", "num_experts"}, max_config_count);
    config.top_k = fields.required({"num_experts_per_tok"}, max_config_count);
    fields.validate_top_k(config);
}

}  // namespace gatesweep
