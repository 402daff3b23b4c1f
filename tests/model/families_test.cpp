// What the families besides Mixtral read from config.json, how their tensors are called, and what is refused.
#include <gtest/gtest.h>

#include "gatesweep/model/model_size.h"
#include "gatesweep/model/weight_map.h"
#include "model/families/family.h"
#include "model/small_config.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

using nlohmann::json;

json olmoe_7b() {
    return json::parse(R"({"model_type":"olmoe","vocab_size":50304,"hidden_size":2048,"intermediate_size":1024,
        "num_hidden_layers":16,"num_attention_heads":16,"num_key_value_heads":16,"num_experts":64,
        "num_experts_per_tok":8,"norm_topk_prob":false,"clip_qkv":null,"attention_bias":false,"rope_theta":10000.0,
        "rms_norm_eps":1e-05,"max_position_embeddings":4096,"eos_token_id":50279,"hidden_act":"silu"})");
}

json qwen3_30b() {
    return json::parse(R"({"model_type":"qwen3_moe","vocab_size":151936,"hidden_size":2048,"intermediate_size":6144,
        "moe_intermediate_size":768,"num_hidden_layers":48,"num_attention_heads":32,"num_key_value_heads":4,
        "head_dim":128,"num_experts":128,"num_experts_per_tok":8,"norm_topk_prob":true,"attention_bias":false,
        "decoder_sparse_step":1,"mlp_only_layers":[],"use_sliding_window":false,"sliding_window":4096,
        "max_window_layers":48,"rope_theta":1000000.0,"rms_norm_eps":1e-06,"bos_token_id":151643,
        "eos_token_id":151645})");
}

json qwen15_a27b() {
    return json::parse(R"({"model_type":"qwen2_moe","vocab_size":151936,"hidden_size":2048,"intermediate_size":5632,
        "moe_intermediate_size":1408,"shared_expert_intermediate_size":5632,"num_hidden_layers":24,
        "num_attention_heads":16,"num_key_value_heads":16,"num_experts":60,"num_experts_per_tok":4,
        "norm_topk_prob":false,"decoder_sparse_step":1,"use_sliding_window":false,"sliding_window":32768,
        "max_window_layers":21,"rope_theta":1000000.0,"rms_norm_eps":1e-06})");
}

json phi35_moe() {
    json config = json::parse(R"({"model_type":"phimoe","vocab_size":32064,"hidden_size":4096,"intermediate_size":6400,
        "num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"num_local_experts":16,
        "num_experts_per_tok":2,"attention_bias":true,"lm_head_bias":true,"router_jitter_noise":0.01,
        "input_jitter_noise":0.01,"sliding_window":131072,"rope_theta":10000.0,"rms_norm_eps":1e-05,
        "max_position_embeddings":131072,"original_max_position_embeddings":4096,"eos_token_id":32000,
        "rope_scaling":{"type":"longrope","original_max_position_embeddings":4096,"short_mscale":1.243163121016122,
        "long_mscale":1.243163121016122}})");
    config["rope_scaling"]["short_factor"] = std::vector<double>(64, 1.5);
    config["rope_scaling"]["long_factor"] = std::vector<double>(64, 20.0);
    return config;
}

json gpt_oss_20b() {
    return json::parse(R"({"model_type":"gpt_oss","vocab_size":201088,"hidden_size":2880,"intermediate_size":2880,
        "num_hidden_layers":24,"num_attention_heads":64,"num_key_value_heads":8,"head_dim":64,"num_local_experts":32,
        "num_experts_per_tok":4,"experts_per_token":4,"sliding_window":128,"swiglu_limit":7.0,"attention_bias":true,
        "hidden_act":"silu","initial_context_length":4096,"max_position_embeddings":131072,"rms_norm_eps":1e-05,
        "rope_scaling":{"beta_fast":32.0,"beta_slow":1.0,"factor":32.0,"original_max_position_embeddings":4096,
        "rope_type":"yarn","truncate":false},"rope_theta":150000,"tie_word_embeddings":false,"eos_token_id":200002,
        "pad_token_id":199999,"quantization_config":{"modules_to_not_convert":["model.layers.*.self_attn",
        "model.layers.*.mlp.router","model.embed_tokens","lm_head"],"quant_method":"mxfp4"}})");
}

std::string tensor(ModelConfig const& config, WeightPlace const& place) {
    return weight_map(config).at(place).tensor;
}

TEST(Olmoe, ReadsTheReleasedConfig) {
    ModelConfig const config = parse(olmoe_7b());
    EXPECT_FALSE(config.router.renormalise);
    EXPECT_EQ(config.heads.norm, HeadRule::Norm::width);
    EXPECT_EQ(config.heads.clip, std::nullopt);
    EXPECT_EQ(config.num_experts, 64);
    EXPECT_EQ(config.head_dim, 128);
    EXPECT_EQ(config.eos_token_ids, std::vector<std::int32_t>{50279});
    EXPECT_EQ(num_parameters(config), 6'919'161'856);
    EXPECT_EQ(tensor(config, {WeightRole::expert_up, 3, 5}), "model.layers.3.mlp.experts.5.up_proj.weight");
    EXPECT_EQ(weight_map(config).at({WeightRole::q_norm, 0}).shape, std::vector<std::int64_t>{2048});
    EXPECT_EQ(parse(with(olmoe_7b(), {{"clip_qkv", 8.0}})).heads.clip, 8.0);
    json const absent(json::value_t::discarded);
    EXPECT_EQ(parse(with(olmoe_7b(), {{"num_key_value_heads", absent}})).num_kv_heads, 16);
}

TEST(Olmoe, RefusesWhatItDoesNotCompute) {
    EXPECT_ERROR(parse(with(olmoe_7b(), {{"attention_bias", true}})), ExitCode::bad_data, "attention_bias is true");
    EXPECT_ERROR(parse(with(olmoe_7b(), {{"sliding_window", 64}})), ExitCode::bad_data, "sliding_window is 64");
    EXPECT_ERROR(parse(with(olmoe_7b(), {{"head_dim", 64}})), ExitCode::bad_data, "head_dim is 64");
    EXPECT_ERROR(parse(with(olmoe_7b(), {{"clip_qkv", 0}})), ExitCode::bad_data, "clip_qkv is 0");
}

TEST(Qwen3Moe, ReadsTheReleasedConfig) {
    ModelConfig const config = parse(qwen3_30b());
    EXPECT_TRUE(config.router.renormalise);
    EXPECT_EQ(config.heads.norm, HeadRule::Norm::each);
    EXPECT_FALSE(config.heads.has_bias);
    EXPECT_EQ(config.intermediate_size, 768);
    EXPECT_EQ(config.head_dim, 128);
    EXPECT_EQ(config.sliding_window, std::nullopt);
    EXPECT_EQ(num_parameters(config), 30'532'122'624);
    EXPECT_EQ(tensor(config, {WeightRole::router, 2}), "model.layers.2.mlp.gate.weight");
    EXPECT_EQ(weight_map(config).at({WeightRole::k_norm, 0}).shape, std::vector<std::int64_t>{128});
}

TEST(Qwen2Moe, ReadsTheReleasedConfig) {
    ModelConfig const config = parse(qwen15_a27b());
    EXPECT_FALSE(config.router.renormalise);
    EXPECT_TRUE(config.heads.has_bias);
    EXPECT_EQ(config.heads.norm, HeadRule::Norm::none);
    EXPECT_EQ(config.shared_size, 5632);
    EXPECT_EQ(config.eos_token_ids, std::vector<std::int32_t>{});
    EXPECT_EQ(num_parameters(config), 14'315'784'192);
    EXPECT_EQ(tensor(config, {WeightRole::shared_weight, 2}), "model.layers.2.mlp.shared_expert_gate.weight");
    EXPECT_EQ(tensor(config, {WeightRole::k_bias, 2}), "model.layers.2.self_attn.k_proj.bias");
}

TEST(Phimoe, ReadsTheReleasedConfig) {
    ModelConfig const config = parse(phi35_moe());
    EXPECT_EQ(config.router.choice, RouterRule::Choice::sparsemixer);
    EXPECT_EQ(config.router.threshold, 0.02);
    EXPECT_TRUE(config.has_layer_norm && config.has_head_bias && config.heads.has_bias && config.heads.has_output_bias);
    EXPECT_EQ(config.sliding_window, 131072);
    EXPECT_EQ(config.rope_scaling.magnitude, 1.243163121016122);
    EXPECT_FALSE(config.rope_scaling.depends_on_length())
        << "transformers keeps short_factor, and the scales are equal";
    EXPECT_EQ(num_parameters(config), 41'873'153'344);
    EXPECT_EQ(tensor(config, {WeightRole::router, 2}), "model.layers.2.block_sparse_moe.gate.weight");
    EXPECT_EQ(tensor(config, {WeightRole::expert_up, 2, 3}), "model.layers.2.block_sparse_moe.experts.3.w3.weight");
    EXPECT_EQ(tensor(config, {WeightRole::o_bias, 1}), "model.layers.1.self_attn.o_proj.bias");
    EXPECT_EQ(tensor(config, {WeightRole::post_attention_norm_bias, 1}),
              "model.layers.1.post_attention_layernorm.bias");
    EXPECT_EQ(weight_map(config).at({WeightRole::lm_head_bias}).shape, std::vector<std::int64_t>{32064});
    Family const& family = family_of("phimoe");
    EXPECT_EQ(family.spellings[1].map(config).at({WeightRole::router, 2}).tensor, "model.layers.2.mlp.router.weight");

    json const absent(json::value_t::discarded);
    ModelConfig const plain = parse(with(phi35_moe(), {{"attention_bias", absent},
                                                       {"lm_head_bias", false},
                                                       {"router_jitter_noise", absent},
                                                       {"sliding_window", nullptr},
                                                       {"rope_scaling", nullptr}}));
    EXPECT_FALSE(plain.has_head_bias || plain.heads.has_bias || plain.heads.has_output_bias);
    EXPECT_FALSE(weight_map(plain).has({WeightRole::o_bias, 1}));
    EXPECT_EQ(plain.router.threshold, 0.02);
    EXPECT_EQ(plain.sliding_window, std::nullopt);
    EXPECT_EQ(plain.rope_scaling, RopeScaling());
}

TEST(Phimoe, RefusesWhatItDoesNotCompute) {
    auto const changed = [&](char const* key, json const& value) { return parse(with(phi35_moe(), {{key, value}})); };
    EXPECT_ERROR(changed("num_experts_per_tok", 3), ExitCode::bad_data, "num_experts_per_tok is 3", "sparsemixer");
    EXPECT_ERROR(changed("router_jitter_noise", -0.1), ExitCode::bad_data, "router_jitter_noise is -0.1");
    EXPECT_ERROR(changed("attention_bias", "yes"), ExitCode::bad_data, "attention_bias");
    EXPECT_ERROR(changed("original_max_position_embeddings", 8192), ExitCode::bad_data, "differ");
    json rope = phi35_moe().at("rope_scaling");
    rope.erase("long_mscale");
    EXPECT_ERROR(changed("rope_scaling", rope), ExitCode::bad_data, "rope_scaling.long_mscale is missing");
    EXPECT_ERROR(changed("rope_scaling", {{"type", "yarn"}}), ExitCode::bad_data, "\"default\", \"longrope\"");
}

TEST(GptOss, ReadsTheReleasedConfig) {
    ModelConfig const config = parse(gpt_oss_20b());
    EXPECT_EQ(config.router.choice, RouterRule::Choice::top_k_softmax);
    EXPECT_TRUE(config.router.has_bias && config.has_expert_bias && config.mxfp4_experts);
    EXPECT_TRUE(config.heads.has_bias && config.heads.has_output_bias && config.heads.has_sinks);
    EXPECT_EQ(config.gate.limit, 7.0);
    EXPECT_EQ(config.gate.alpha, 1.702);
    EXPECT_EQ(config.window_of(0), 128);
    EXPECT_EQ(config.window_of(1), std::nullopt);
    EXPECT_EQ(config.stored_dtype, "bfloat16");
    EXPECT_EQ(config.rope_scaling.type, RopeType::yarn);
    EXPECT_EQ(num_parameters(config), 20'914'757'184);
    StoredWeight const gate_up = weight_map(config).at({WeightRole::expert_gate_up, 3, 5});
    EXPECT_EQ(gate_up.tensor, "model.layers.3.mlp.experts.gate_up_proj_blocks");
    EXPECT_EQ(gate_up.scales, "model.layers.3.mlp.experts.gate_up_proj_scales");
    EXPECT_EQ(gate_up.tensor_shape, (std::vector<std::int64_t>{32, 5760, 90, 16}));
    EXPECT_EQ(tensor(config, {WeightRole::o_bias, 2}), "model.layers.2.self_attn.o_proj.bias");
    ModelConfig const larger = parse(with(gpt_oss_20b(), {{"num_hidden_layers", 36}, {"num_local_experts", 128}}));
    EXPECT_EQ(num_parameters(larger), 116'829'156'672);
}

TEST(GptOss, HasTheDefaultsOfItsClass) {
    json bare = gpt_oss_20b();
    for (char const* key : {"head_dim", "sliding_window", "swiglu_limit", "attention_bias", "rope_scaling",
                            "rope_theta", "quantization_config", "eos_token_id", "num_key_value_heads"})
        bare.erase(key);
    ModelConfig const config = parse(bare), released = parse(gpt_oss_20b());
    EXPECT_EQ(config.head_dim, 64);
    EXPECT_EQ(config.num_kv_heads, 8);
    EXPECT_EQ(config.sliding_window, 128);
    EXPECT_EQ(config.rope_theta, 1.5e5);
    EXPECT_EQ(config.rope_scaling, released.rope_scaling);
    EXPECT_EQ(config.eos_token_ids, std::vector<std::int32_t>{});
    EXPECT_FALSE(config.mxfp4_experts);
    EXPECT_EQ(config.stored_dtype, "");
    StoredWeight const down = weight_map(config).at({WeightRole::expert_down, 0, 1});
    EXPECT_EQ(down.tensor_shape, (std::vector<std::int64_t>{32, 2880, 2880}));
    EXPECT_EQ(down.storing, Storing::columns);
    EXPECT_EQ(parse(with(bare, {{"rope_parameters", {{"rope_theta", 1e4}}}})).rope_scaling.type, RopeType::plain);
    EXPECT_FALSE(parse(with(bare, {{"attention_bias", false}})).heads.has_output_bias);
}

TEST(GptOss, ReadsWindowsAndRefusesWhatItDoesNotCompute) {
    json const small = with(gpt_oss_20b(), {{"num_hidden_layers", 3}});
    auto const changed = [&](char const* key, json const& value) { return parse(with(small, {{key, value}})); };
    json const types = {"full_attention", "full_attention", "sliding_attention"};
    EXPECT_EQ(changed("layer_types", types).full_layers, (std::vector<std::int64_t>{0, 1}));
    EXPECT_EQ(changed("layer_types", nullptr).full_layers, std::vector<std::int64_t>{1});
    EXPECT_ERROR(changed("layer_types", {"full_attention"}), ExitCode::bad_data, "layer_types is array", "3 words");
    json const chunked = {"full_attention", "chunked_attention", "full_attention"};
    EXPECT_ERROR(changed("layer_types", chunked), ExitCode::bad_data, "layer_types is \"chunked_attention\"");
    EXPECT_ERROR(changed("layer_types", {1, 2, 3}), ExitCode::bad_data, "layer_types is 1");
    EXPECT_ERROR(changed("sliding_window", nullptr), ExitCode::bad_data, "sliding_window is null");
    EXPECT_ERROR(changed("swiglu_limit", 0), ExitCode::bad_data, "swiglu_limit is 0");
    EXPECT_ERROR(changed("swiglu_alpha", "1"), ExitCode::bad_data, "swiglu_alpha is \"1\"");
    EXPECT_ERROR(changed("hidden_act", "gelu"), ExitCode::bad_data, "hidden_act");
    EXPECT_ERROR(changed("hidden_size", 2890), ExitCode::bad_data, "hidden_size is 2890", "multiple of 32");
    EXPECT_ERROR(parse(with(qwen3_30b(), {{"quantization_config", {{"quant_method", "mxfp4"}}}})), ExitCode::bad_data,
                 "quantization_config", "\"mxfp4\"", "use the unquantized checkpoint");
}

TEST(QwenFamilies, FindTheLayersWithoutARouter) {
    for (json const& config : {qwen3_30b(), qwen15_a27b()}) {
        auto const changed = [&](std::vector<std::pair<std::string, json>> changes) {
            changes.emplace_back("num_hidden_layers", 6);
            return parse(with(config, changes));
        };
        EXPECT_EQ(changed({}).dense_layers, std::vector<std::int64_t>{});
        ModelConfig const every_other = changed({{"decoder_sparse_step", 2}, {"mlp_only_layers", {3}}});
        EXPECT_EQ(every_other.dense_layers, (std::vector<std::int64_t>{0, 2, 3, 4}));
        EXPECT_EQ(every_other.sparse_layers(), (std::vector<std::int64_t>{1, 5}));
        EXPECT_EQ(every_other.num_sparse_layers(), 2);
        WeightMap const map = weight_map(every_other);
        EXPECT_FALSE(map.has({WeightRole::router, 3}));
        EXPECT_EQ(map.at({WeightRole::shared_up, 3}).tensor, "model.layers.3.mlp.up_proj.weight");
        EXPECT_EQ(map.at({WeightRole::shared_up, 3}).shape[0], config.at("intermediate_size"));
        EXPECT_ERROR(changed({{"decoder_sparse_step", 7}}), ExitCode::bad_data, "no layer with a router");
        EXPECT_ERROR(changed({{"mlp_only_layers", {6}}}), ExitCode::bad_data, "mlp_only_layers is 6");
        EXPECT_ERROR(changed({{"mlp_only_layers", 2}}), ExitCode::bad_data, "mlp_only_layers is 2");
        EXPECT_ERROR(changed({{"decoder_sparse_step", 0}}), ExitCode::bad_data, "decoder_sparse_step is 0");
    }
}

TEST(QwenFamilies, RefuseWindowsAndBiases) {
    for (json const& config : {qwen3_30b(), qwen15_a27b()}) {
        auto const changed = [&](char const* key, json const& value) { return parse(with(config, {{key, value}})); };
        EXPECT_ERROR(changed("use_sliding_window", true), ExitCode::bad_data, "use_sliding_window is true");
        EXPECT_ERROR(changed("layer_types", {"sliding_attention"}), ExitCode::bad_data, "layer_types is array");
        EXPECT_NO_THROW(changed("layer_types", {"full_attention"}));
        EXPECT_NO_THROW(changed("mlp_only_layers", nullptr));
    }
    EXPECT_ERROR(parse(with(qwen3_30b(), {{"attention_bias", true}})), ExitCode::bad_data, "attention_bias is true");
}

}  // namespace
}  // namespace gatesweep
