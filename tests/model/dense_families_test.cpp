// What the dense families read from config.json, how their tensors are called, and what is refused.
#include <gtest/gtest.h>

#include "gatesweep/model/model_size.h"
#include "gatesweep/model/weight_map.h"
#include "model/families/family.h"
#include "model/small_config.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

using nlohmann::json;

json const absent(json::value_t::discarded);

json smollm2_135m() {
    return json::parse(R"({"model_type":"llama","vocab_size":49152,"hidden_size":576,"intermediate_size":1536,
        "num_hidden_layers":30,"num_attention_heads":9,"num_key_value_heads":3,"attention_bias":false,"mlp_bias":false,
        "pretraining_tp":1,"rope_theta":100000,"rope_scaling":null,"rms_norm_eps":1e-05,"tie_word_embeddings":true,
        "max_position_embeddings":8192,"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu"})");
}

json qwen25_05b() {
    return json::parse(R"({"model_type":"qwen2","vocab_size":151936,"hidden_size":896,"intermediate_size":4864,
        "num_hidden_layers":24,"num_attention_heads":14,"num_key_value_heads":2,"use_sliding_window":false,
        "sliding_window":32768,"max_window_layers":21,"rope_theta":1000000.0,"rms_norm_eps":1e-06,
        "tie_word_embeddings":true,"max_position_embeddings":32768,"bos_token_id":151643,"eos_token_id":151645})");
}

json qwen3_06b() {
    return json::parse(R"({"model_type":"qwen3","vocab_size":151936,"hidden_size":1024,"intermediate_size":3072,
        "num_hidden_layers":28,"num_attention_heads":16,"num_key_value_heads":8,"head_dim":128,"attention_bias":false,
        "use_sliding_window":false,"sliding_window":null,"max_window_layers":28,"rope_theta":1000000,
        "rms_norm_eps":1e-06,"tie_word_embeddings":true,"max_position_embeddings":40960})");
}

TEST(DenseFamilies, ReadTheReleasedConfigs) {
    ModelConfig const llama = parse(smollm2_135m()), qwen2 = parse(qwen25_05b()), qwen3 = parse(qwen3_06b());
    EXPECT_EQ(num_parameters(llama), 134'515'008);
    EXPECT_EQ(num_parameters(qwen2), 494'032'768);
    EXPECT_EQ(num_parameters(qwen3), 596'049'920);
    for (ModelConfig const& config : {llama, qwen2, qwen3}) {
        EXPECT_FALSE(config.has_router());
        EXPECT_EQ(config.sliding_window, std::nullopt);
        WeightMap const map = weight_map(config);
        EXPECT_FALSE(map.has({WeightRole::router, 0}));
        EXPECT_FALSE(map.has({WeightRole::lm_head})) << "tied";
        EXPECT_EQ(map.at({WeightRole::expert_down, 3, 0}).tensor, "model.layers.3.mlp.down_proj.weight");
        EXPECT_EQ(map.has({WeightRole::q_bias, 0}), config.family == "qwen2");
        EXPECT_EQ(map.has({WeightRole::q_norm, 0}), config.family == "qwen3");
    }
    EXPECT_EQ(weight_map(qwen2).at({WeightRole::v_bias, 2}).tensor, "model.layers.2.self_attn.v_proj.bias");
    EXPECT_EQ(weight_map(qwen3).at({WeightRole::k_norm, 2}).shape, std::vector<std::int64_t>{128});
}

TEST(DenseFamilies, TakeTheRotaryEmbeddingsOfTheirModels) {
    json const llama32 = json::parse(R"({"factor":32.0,"high_freq_factor":4.0,"low_freq_factor":1.0,
        "original_max_position_embeddings":8192,"rope_type":"llama3"})");
    json const yarn = json::parse(R"({"factor":4.0,"original_max_position_embeddings":32768,"type":"yarn"})");
    ModelConfig const llama = parse(with(smollm2_135m(), {{"rope_scaling", llama32}}));
    EXPECT_EQ(llama.rope_scaling.type, RopeType::llama3);
    EXPECT_EQ(llama.rope_scaling.factor, 32.0);
    EXPECT_ERROR(parse(with(qwen25_05b(), {{"rope_scaling", llama32}})), ExitCode::bad_data, "rope_scaling.rope_type");
    for (json const& config : {qwen25_05b(), qwen3_06b()})
        EXPECT_EQ(parse(with(config, {{"rope_scaling", yarn}})).rope_scaling.type, RopeType::yarn);
}

TEST(DenseFamilies, TakeTheDefaultsOfTheirClasses) {
    auto const bare = [](json config) {
        for (char const* key : {"num_key_value_heads", "head_dim", "rope_theta", "rms_norm_eps", "tie_word_embeddings",
                                "max_position_embeddings", "eos_token_id"})
            config = with(config, {{key, absent}});
        return parse(with(config, {{"num_attention_heads", 32}, {"hidden_size", 2048}}));
    };
    ModelConfig const llama = bare(smollm2_135m()), qwen2 = bare(qwen25_05b()), qwen3 = bare(qwen3_06b());
    for (ModelConfig const& config : {llama, qwen2, qwen3}) {
        EXPECT_EQ(config.num_kv_heads, 32);
        EXPECT_EQ(config.rope_theta, 1e4);
        EXPECT_EQ(config.rms_norm_eps, 1e-6);
        EXPECT_FALSE(config.tie_word_embeddings);
        EXPECT_EQ(config.head_dim, config.family == "qwen3" ? 128 : 64);
    }
    EXPECT_EQ(llama.max_position_embeddings, 2048);
    EXPECT_EQ(llama.eos_token_ids, std::vector<std::int32_t>{2});
    EXPECT_EQ(qwen2.max_position_embeddings, 32768);
    EXPECT_EQ(qwen3.eos_token_ids, std::vector<std::int32_t>{});
}

TEST(DenseFamilies, RefuseWhatTheyDoNotCompute) {
    auto const refused = [](json const& config, char const* key, json const& value, char const* message) {
        EXPECT_ERROR(parse(with(config, {{key, value}})), ExitCode::bad_data, message);
    };
    refused(smollm2_135m(), "attention_bias", true, "attention_bias is true");
    refused(smollm2_135m(), "mlp_bias", true, "mlp_bias is true");
    refused(smollm2_135m(), "sliding_window", 64, "sliding_window is 64");
    refused(qwen3_06b(), "attention_bias", true, "attention_bias is true");
    for (json const& config : {qwen25_05b(), qwen3_06b()}) {
        refused(config, "use_sliding_window", true, "use_sliding_window is true");
        refused(config, "layer_types", {"sliding_attention"}, "layer_types is array");
    }
}

}  // namespace
}  // namespace gatesweep
