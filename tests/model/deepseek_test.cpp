// What DeepSeek's families read from config.json, how their tensors are called, and what is refused.
#include <gtest/gtest.h>

#include "gatesweep/model/kv_cache.h"
#include "gatesweep/model/model_size.h"
#include "gatesweep/model/weight_map.h"
#include "model/small_config.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

using nlohmann::json;

json deepseek_16b() {
    return json::parse(R"({"model_type":"deepseek","vocab_size":102400,"hidden_size":2048,"intermediate_size":10944,
        "moe_intermediate_size":1408,"num_hidden_layers":28,"num_attention_heads":16,"num_key_value_heads":16,
        "n_shared_experts":2,"n_routed_experts":64,"num_experts_per_tok":6,"moe_layer_freq":1,
        "first_k_dense_replace":1,"norm_topk_prob":false,"scoring_func":"softmax","aux_loss_alpha":0.001,
        "seq_aux":true,"hidden_act":"silu","max_position_embeddings":4096,"rms_norm_eps":1e-06,"rope_theta":10000,
        "rope_scaling":null,"attention_bias":false,"pretraining_tp":1,"bos_token_id":100000,"eos_token_id":100001})");
}

json deepseek_v2_lite() {
    return json::parse(R"({"model_type":"deepseek_v2","vocab_size":102400,"hidden_size":2048,"intermediate_size":10944,
        "moe_intermediate_size":1408,"num_hidden_layers":27,"num_attention_heads":16,"num_key_value_heads":16,
        "n_shared_experts":2,"n_routed_experts":64,"num_experts_per_tok":6,"routed_scaling_factor":1.0,
        "moe_layer_freq":1,"first_k_dense_replace":1,"norm_topk_prob":false,"scoring_func":"softmax","n_group":1,
        "topk_group":1,"topk_method":"greedy","aux_loss_alpha":0.001,"seq_aux":true,"hidden_act":"silu",
        "kv_lora_rank":512,"q_lora_rank":null,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"v_head_dim":128,
        "max_position_embeddings":163840,"rms_norm_eps":1e-06,"rope_theta":10000,"rope_scaling":{"beta_fast":32,
        "beta_slow":1,"factor":40,"mscale":0.707,"mscale_all_dim":0.707,"original_max_position_embeddings":4096,
        "type":"yarn"},"attention_bias":false,"pretraining_tp":1,"bos_token_id":100000,"eos_token_id":100001})");
}

json deepseek_v2() {
    return with(deepseek_v2_lite(), {{"hidden_size", 5120},
                                     {"intermediate_size", 12288},
                                     {"moe_intermediate_size", 1536},
                                     {"num_hidden_layers", 60},
                                     {"num_attention_heads", 128},
                                     {"num_key_value_heads", 128},
                                     {"n_routed_experts", 160},
                                     {"routed_scaling_factor", 16.0},
                                     {"q_lora_rank", 1536},
                                     {"topk_method", "group_limited_greedy"},
                                     {"n_group", 8},
                                     {"topk_group", 3}});
}

std::string tensor(ModelConfig const& config, WeightPlace const& place) {
    return weight_map(config).at(place).tensor;
}

ModelConfig changed(json const& base, char const* key, json const& value) {
    return parse(with(base, {{key, value}}));
}

TEST(Deepseek, ReadsTheReleasedConfig) {
    ModelConfig const config = parse(deepseek_16b());
    EXPECT_FALSE(config.router.renormalise);
    EXPECT_EQ(config.num_experts, 64);
    EXPECT_EQ(config.top_k, 6);
    EXPECT_EQ(config.intermediate_size, 1408);
    EXPECT_EQ(config.shared_size, 2816);
    EXPECT_FALSE(config.weighs_shared);
    EXPECT_EQ(config.dense_layers, std::vector<std::int64_t>{0});
    EXPECT_EQ(num_parameters(config), 16'375'728'128);
    EXPECT_EQ(tensor(config, {WeightRole::shared_up, 2}), "model.layers.2.mlp.shared_experts.up_proj.weight");
    EXPECT_EQ(tensor(config, {WeightRole::shared_up, 0}), "model.layers.0.mlp.up_proj.weight");
    EXPECT_FALSE(weight_map(config).has({WeightRole::shared_weight, 2}));
}

TEST(Deepseek, ReadsItsOwnFields) {
    EXPECT_TRUE(changed(deepseek_16b(), "norm_topk_prob", true).router.renormalise);
    EXPECT_FALSE(
        parse(with(deepseek_16b(), {{"norm_topk_prob", true}, {"num_experts_per_tok", 1}})).router.renormalise);
    EXPECT_EQ(changed(deepseek_16b(), "n_shared_experts", nullptr).shared_size, 0);
    ModelConfig const every_other = parse(with(deepseek_16b(), {{"moe_layer_freq", 2}, {"num_hidden_layers", 5}}));
    EXPECT_EQ(every_other.sparse_layers(), (std::vector<std::int64_t>{2, 4}));
}

TEST(Deepseek, RefusesWhatItDoesNotCompute) {
    auto const refuses = [](char const* key, json const& value, std::string const& words) {
        EXPECT_ERROR(changed(deepseek_16b(), key, value), ExitCode::bad_data, words);
    };
    refuses("scoring_func", "sigmoid", "scoring_func is \"sigmoid\"");
    refuses("attention_bias", true, "attention_bias is true");
    refuses("ep_size", 8, "ep_size is 8");
    refuses("first_k_dense_replace", 28, "no layer with a router");
    refuses("first_k_dense_replace", -1, "first_k_dense_replace is -1");
    refuses("n_shared_experts", 0, "n_shared_experts is 0");
    refuses("n_routed_experts", nullptr, "n_routed_experts is missing");
    refuses("num_experts_per_tok", 65, "num_experts_per_tok 65");
    refuses("rope_scaling", {{"type", "linear"}, {"factor", 2.0}}, "rope_type is \"linear\"");
}

TEST(DeepseekV2, ReadsTheReleasedConfigs) {
    ModelConfig const lite = parse(deepseek_v2_lite());
    EXPECT_EQ(num_parameters(lite), 15'706'484'224);
    EXPECT_EQ(lite.head_dim, 192);
    EXPECT_EQ(lite.rotary_dim(), 64);
    EXPECT_EQ(lite.value_dim(), 128);
    EXPECT_EQ(lite.router.scale, 1.0);
    EXPECT_EQ(lite.router.num_groups, 1);
    EXPECT_EQ(lite.rope_scaling.type, RopeType::yarn);
    EXPECT_EQ(lite.rope_scaling.magnitude, 1.0);
    EXPECT_EQ(tensor(lite, {WeightRole::q_proj, 3}), "model.layers.3.self_attn.q_proj.weight");
    EXPECT_EQ(tensor(lite, {WeightRole::latent_kv, 3}), "model.layers.3.self_attn.kv_a_proj_with_mqa.weight");
    EXPECT_EQ(KvCache::slot_bytes(lite, 10, 2), 27U * 10 * 16 * 2 * 192 * 2);
    ModelConfig const large = parse(deepseek_v2());
    EXPECT_EQ(num_parameters(large), 235'741'434'880);
    EXPECT_EQ(large.router.num_groups, 8);
    EXPECT_EQ(large.router.kept_groups, 3);
    EXPECT_EQ(large.router.scale, 16.0);
    EXPECT_EQ(tensor(large, {WeightRole::expand_q, 3}), "model.layers.3.self_attn.q_b_proj.weight");
    EXPECT_EQ(weight_map(large).at({WeightRole::o_proj, 3}).shape, (std::vector<std::int64_t>{5120, 128 * 128}));
}

TEST(DeepseekV2, TellsANullRankFromAnAbsentOne) {
    json const absent(json::value_t::discarded);
    EXPECT_EQ(changed(deepseek_v2(), "q_lora_rank", absent).latent->query_rank, 1536);
    EXPECT_EQ(changed(deepseek_v2(), "q_lora_rank", nullptr).latent->query_rank, 0);
    EXPECT_EQ(changed(deepseek_v2(), "head_dim", 64).head_dim, 192);  // transformers writes the rotated width there
}

TEST(DeepseekV2, RefusesWhatItDoesNotCompute) {
    auto const refuses = [](char const* key, json const& value, std::string const& words) {
        EXPECT_ERROR(changed(deepseek_v2(), key, value), ExitCode::bad_data, words);
    };
    refuses("topk_method", "noaux_tc", "topk_method is \"noaux_tc\"");
    refuses("scoring_func", "sigmoid", "scoring_func is \"sigmoid\"");
    refuses("norm_topk_prob", true, "norm_topk_prob is true");
    refuses("attention_bias", true, "attention_bias is true");
    refuses("mlp_bias", true, "mlp_bias is true");
    refuses("ep_size", 2, "ep_size is 2");
    refuses("moe_layer_freq", 2, "moe_layer_freq is 2");
    refuses("n_shared_experts", nullptr, "n_shared_experts is null");
    refuses("n_group", 7, "n_group is 7");
    refuses("n_group", nullptr, "n_group is missing");
    refuses("topk_group", 9, "topk_group is 9");
    refuses("n_routed_experts", 8, "topk_group is 3, but must be so many groups as hold");
    refuses("routed_scaling_factor", 0, "routed_scaling_factor is 0");
    refuses("num_key_value_heads", 64, "num_key_value_heads is 64");
    refuses("qk_rope_head_dim", 63, "qk_rope_head_dim is 63");
    refuses("v_head_dim", 256, "v_head_dim is 256");
    refuses("kv_lora_rank", 0, "kv_lora_rank is 0");
    refuses("rope_scaling", {{"type", "dynamic"}, {"factor", 2.0}}, "rope_type is \"dynamic\"");
}

}  // namespace
}  // namespace gatesweep
