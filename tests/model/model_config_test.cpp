// config.json: its spellings, its defaults, and every field that is refused.
#include "gatesweep/model/model_size.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "model/small_config.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

using nlohmann::json;

// The released 8x7B-Instruct config, v4 spelling.
json released() {
    return json::parse(R"({"architectures":["MixtralForCausalLM"],"attention_dropout":0.0,"bos_token_id":1,
        "eos_token_id":2,"hidden_act":"silu","hidden_size":4096,"initializer_range":0.02,"intermediate_size":14336,
        "max_position_embeddings":32768,"model_type":"mixtral","num_attention_heads":32,"num_experts_per_tok":2,
        "num_hidden_layers":32,"num_key_value_heads":8,"num_local_experts":8,"output_router_logits":false,
        "rms_norm_eps":1e-05,"rope_theta":1000000.0,"router_aux_loss_coef":0.02,"sliding_window":null,
        "tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.36.0.dev0","use_cache":true,
        "vocab_size":32000})");
}

json const absent(json::value_t::discarded);

TEST(ModelConfig, ReadsTheReleasedConfig) {
    ModelConfig const config = parse(released());
    EXPECT_EQ(config.vocab_size, 32000);
    EXPECT_EQ(config.hidden_size, 4096);
    EXPECT_EQ(config.intermediate_size, 14336);
    EXPECT_EQ(config.num_layers, 32);
    EXPECT_EQ(config.num_heads, 32);
    EXPECT_EQ(config.num_kv_heads, 8);
    EXPECT_EQ(config.head_dim, 128);
    EXPECT_EQ(config.num_experts, 8);
    EXPECT_EQ(config.top_k, 2);
    EXPECT_EQ(config.max_position_embeddings, 32768);
    EXPECT_EQ(config.sliding_window, std::nullopt);
    EXPECT_EQ(config.rms_norm_eps, 1e-5);
    EXPECT_EQ(config.rope_theta, 1e6);
    EXPECT_FALSE(config.tie_word_embeddings);
    EXPECT_EQ(config.bos_token_id, 1);
    EXPECT_EQ(config.eos_token_ids, std::vector<std::int32_t>{2});
    EXPECT_EQ(config.stored_dtype, "bfloat16");
    EXPECT_EQ(num_parameters(config), 46'702'792'704);
}

TEST(ModelConfig, CountsTheParametersOfTheLargerRelease) {
    json const larger = with(released(), {{"hidden_size", 6144},
                                          {"intermediate_size", 16384},
                                          {"num_hidden_layers", 56},
                                          {"num_attention_heads", 48},
                                          {"max_position_embeddings", 65536}});
    EXPECT_EQ(num_parameters(parse(larger)), 140'620'634'112);
    EXPECT_EQ(num_parameters(parse(with(larger, {{"vocab_size", 32768}}))), 140'630'071'296);
}

TEST(ModelConfig, AbsentFieldsHaveTheDefaultsOfTheFormat) {
    ModelConfig const config = parse(smallest());
    EXPECT_EQ(config.num_kv_heads, 8);
    EXPECT_EQ(config.head_dim, 4);
    EXPECT_EQ(config.max_position_embeddings, 131072);
    EXPECT_EQ(config.sliding_window, std::nullopt);
    EXPECT_EQ(config.rms_norm_eps, 1e-5);
    EXPECT_EQ(config.rope_theta, 1e6);
    EXPECT_FALSE(config.tie_word_embeddings);
    EXPECT_EQ(config.bos_token_id, 1);
    EXPECT_EQ(config.eos_token_ids, std::vector<std::int32_t>{2});
    EXPECT_EQ(config.stored_dtype, "");
}

TEST(ModelConfig, ReadsBothSpellings) {
    json const v5 =
        with(smallest(), {{"rope_parameters", {{"rope_theta", 5e5}, {"rope_type", "default"}}}, {"dtype", "float16"}});
    EXPECT_EQ(parse(v5).rope_theta, 5e5);
    EXPECT_EQ(parse(v5).stored_dtype, "float16");
    auto const theta = [](std::vector<std::pair<std::string, json>> const& fields) {
        return parse(with(smallest(), fields)).rope_theta;
    };
    EXPECT_EQ(theta({{"rope_theta", 10000}}), 1e4);
    EXPECT_EQ(theta({{"rope_theta", 10000}, {"rope_scaling", nullptr}, {"rope_parameters", nullptr}}), 1e4);
    EXPECT_EQ(theta({{"rope_theta", 10000}, {"rope_parameters", {{"rope_theta", 1e4}}}}), 1e4);
    EXPECT_EQ(theta({{"rope_theta", 10000}, {"rope_scaling", {{"type", "default"}}}}), 1e4);
    EXPECT_EQ(theta({{"rope_parameters", {{"rope_type", "default"}}}}), 1e6);
    EXPECT_EQ(theta({{"rope_parameters", {{"rope_theta", 3.5}, {"factor", nullptr}}}}), 3.5);
    EXPECT_EQ(parse(with(smallest(), {{"num_local_experts", absent}, {"num_experts", 16}})).num_experts, 16);
    EXPECT_EQ(parse(with(smallest(), {{"num_experts", 4}})).num_experts, 4);
    EXPECT_EQ(parse(with(smallest(), {{"dtype", "float32"}, {"torch_dtype", "float32"}})).stored_dtype, "float32");
}

TEST(ModelConfig, ReadsHeadsWindowsAndIds) {
    auto const heads = parse(with(smallest(), {{"num_key_value_heads", nullptr}, {"head_dim", nullptr}}));
    EXPECT_EQ(heads.num_kv_heads, 8);
    EXPECT_EQ(heads.head_dim, 4);
    auto const wide =
        parse(with(smallest(), {{"num_key_value_heads", 2}, {"head_dim", 24}, {"num_attention_heads", 6}}));
    EXPECT_EQ(wide.num_kv_heads, 2);
    EXPECT_EQ(wide.head_dim, 24);  // heads x head_dim need not be hidden_size
    EXPECT_EQ(parse(with(smallest(), {{"sliding_window", 8}})).sliding_window, 8);
    EXPECT_TRUE(parse(with(smallest(), {{"tie_word_embeddings", true}})).tie_word_embeddings);
    EXPECT_EQ(parse(with(smallest(), {{"eos_token_id", {5, 2, 5}}})).eos_token_ids, (std::vector<std::int32_t>{5, 2}));
    EXPECT_TRUE(parse(with(smallest(), {{"eos_token_id", nullptr}})).eos_token_ids.empty());
    EXPECT_EQ(parse(with(smallest(), {{"bos_token_id", 0}})).bos_token_id, 0);
}

TEST(ModelConfig, IgnoresWhatOnlyTrainingUses) {
    parse(with(smallest(), {{"attention_dropout", 0.5},
                            {"output_router_logits", true},
                            {"router_jitter_noise", 0.1},
                            {"router_aux_loss_coef", 1.0},
                            {"quantization_config", nullptr},
                            {"made_up", {1, 2}}}));
}

struct Wrong {
    std::vector<std::pair<std::string, json>> changes;
    std::vector<std::string_view> words;
};

TEST(ModelConfig, RefusesWrongFields) {
    double const huge = 1e300;
    std::vector<Wrong> cases = {
        {{{"model_type", absent}}, {"model_type is missing"}},
        {{{"model_type", "gpt2"}}, {"model_type", "\"gpt2\"", "\"mixtral\"", "\"olmoe\""}},
        {{{"model_type", 3}}, {"model_type", "string"}},
        {{{"hidden_act", "gelu"}}, {"hidden_act", "gelu", "silu"}},
        {{{"hidden_act", {"silu"}}}, {"hidden_act", "array"}},
        {{{"quantization_config", {{"bits", 4}}}}, {"quantization_config"}},
        {{{"head_dim", 3}}, {"head_dim 3", "odd"}},
        {{{"head_dim", 0}}, {"head_dim is 0"}},
        {{{"head_dim", 1 << 19}}, {"wider than"}},
        {{{"num_attention_heads", 7}, {"num_key_value_heads", 7}},
         {"hidden_size 32", "multiple of num_attention_heads 7"}},
        {{{"num_key_value_heads", 3}}, {"num_attention_heads 8", "num_key_value_heads 3"}},
        {{{"num_key_value_heads", 16}}, {"num_key_value_heads 16"}},
        {{{"num_key_value_heads", 0}}, {"num_key_value_heads is 0"}},
        {{{"num_attention_heads", 4}}, {"num_attention_heads 4", "num_key_value_heads 8"}},  // the default is 8
        {{{"num_experts_per_tok", 5}}, {"num_experts_per_tok 5", "num_local_experts 4"}},
        {{{"num_experts", 8}}, {"num_local_experts and num_experts differ"}},
        {{{"num_local_experts", absent}}, {"num_local_experts is missing"}},
        {{{"torch_dtype", "float16"}, {"dtype", "bfloat16"}}, {"torch_dtype and dtype differ"}},
        {{{"torch_dtype", 16}}, {"torch_dtype", "string"}},
        {{{"rope_theta", 0}}, {"rope_theta is 0"}},
        {{{"rope_theta", -1e6}}, {"rope_theta"}},
        {{{"rope_theta", huge}}, {"rope_theta"}},
        {{{"rope_theta", "1e6"}}, {"rope_theta", "number"}},
        {{{"rope_theta", true}}, {"rope_theta", "number"}},
        {{{"rope_theta", 1e4}, {"rope_parameters", {{"rope_theta", 1e6}}}},
         {"rope_theta and rope_parameters.rope_theta differ"}},
        {{{"rope_parameters", {{"rope_type", "yarn"}}}}, {"rope_parameters.rope_type", "yarn", "default"}},
        {{{"rope_parameters", {{"rope_type", 1}}}}, {"rope_type", "string"}},
        {{{"rope_parameters", {{"rope_type", "default"}, {"type", "linear"}}}}, {"rope_type", "type", "differ"}},
        {{{"rope_parameters", {{"factor", 2.0}}}}, {"rope_parameters.factor"}},
        {{{"rope_parameters", {{"rope_theta", 0}}}}, {"rope_parameters.rope_theta is 0"}},
        {{{"rope_parameters", 1e6}}, {"rope_parameters", "object"}},
        {{{"rope_scaling", {{"type", "linear"}, {"factor", 2.0}}}}, {"rope_scaling.", "linear"}},
        {{{"rms_norm_eps", 0}}, {"rms_norm_eps is 0"}},
        {{{"rms_norm_eps", 1}}, {"rms_norm_eps is 1"}},
        {{{"rms_norm_eps", -1e-5}}, {"rms_norm_eps"}},
        {{{"rms_norm_eps", 1e-60}}, {"rms_norm_eps"}},
        {{{"rms_norm_eps", "1e-5"}}, {"rms_norm_eps", "\"1e-5\""}},
        {{{"sliding_window", 0}}, {"sliding_window is 0"}},
        {{{"sliding_window", -1}}, {"sliding_window is -1"}},
        {{{"sliding_window", "8"}}, {"sliding_window"}},
        {{{"max_position_embeddings", 0}}, {"max_position_embeddings is 0"}},
        {{{"max_position_embeddings", 1LL << 40}}, {"max_position_embeddings"}},
        {{{"tie_word_embeddings", "true"}}, {"tie_word_embeddings", "true or false"}},
        {{{"tie_word_embeddings", 1}}, {"tie_word_embeddings"}},
        {{{"bos_token_id", 64}}, {"bos_token_id is 64", "0 to 63"}},
        {{{"bos_token_id", -1}}, {"bos_token_id is -1"}},
        {{{"eos_token_id", 64}}, {"eos_token_id is 64"}},
        {{{"eos_token_id", {2, 64}}}, {"eos_token_id is 64"}},
        {{{"eos_token_id", json::array()}}, {"eos_token_id", "array"}},
        {{{"eos_token_id", {{"id", 2}}}}, {"eos_token_id"}},
        {{{"eos_token_id", json::array({json::array({2})})}}, {"eos_token_id", "array"}},
        {{{"eos_token_id", "</s>"}}, {"eos_token_id"}},
        {{{"vocab_size", 2}}, {"vocab_size is 2"}},
        {{{"vocab_size", 1}}, {"vocab_size is 1"}},
        {{{"hidden_size", 1 << 20},
          {"intermediate_size", 1 << 20},
          {"num_hidden_layers", 4096},
          {"num_local_experts", 4096}},
         {"parameters", "no such model"}},
    };
    for (char const* size : {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
                             "num_attention_heads", "num_local_experts", "num_experts_per_tok"}) {
        cases.push_back({{{size, absent}}, {size, "is missing"}});
        cases.push_back({{{size, nullptr}}, {size, "is missing"}});
        for (json const& value :
             {json(0), json(-8), json(8.0), json(8.5), json("8"), json(true), json(json::array({8})),
              json(std::uint64_t{1} << 63), json(~std::uint64_t{0}), json((1 << 24) + 1), json(huge)}) {
            cases.push_back({{{size, value}}, {size, "must be an integer from 1 to"}});
        }
    }
    for (auto const& c : cases) {
        json const config = with(smallest(), c.changes);
        SCOPED_TRACE(config.dump());
        auto words = c.words;
        words.push_back("config.json");
        expect_error([&] { parse(config); }, ExitCode::bad_data, words);
    }
}

TEST(ModelConfig, RefusesTextThatIsNotAnObject) {
    std::vector<std::pair<std::string, std::string_view>> const cases = {
        {"", "not valid JSON"},
        {"{\"model_type\":\"mixtral\"", "not valid JSON"},
        {"[]", "JSON object"},
        {"\"mixtral\"", "JSON object"},
        {R"({"model_type":"mixtral","model_type":"mixtral"})", "twice"},
        {R"({"vocab_size":18446744073709551616})", "64 bits"},
        {R"({"rope_theta":1e999})", "JSON"},
        {R"({"rope_theta":NaN})", "not valid JSON"},
        {"\xEF\xBB\xBF{}", "byte order mark"},
        {std::string("{}\0", 3), "NUL"},
        {"{\"x\":" + std::string(1'000'000, '['), "nested"},
        {"{\"\xFF\":1}", "not valid JSON"},
    };
    for (auto const& [text, word] : cases) {
        SCOPED_TRACE(text.substr(0, 80));
        expect_error([&text = text] { parse_model_config(text, "some/config.json"); }, ExitCode::bad_data,
                     {word, "some/config.json"});
    }
}

TEST(LoadModelConfig, TakesTheEndIdsOfTheGenerationConfig) {
    TemporaryFolder const folder;
    EXPECT_ERROR(load_model_config(folder.path()), ExitCode::input_missing, "config.json");
    EXPECT_ERROR(load_model_config(folder / "absent"), ExitCode::input_missing, "config.json");
    folder.write("config.json", smallest().dump());
    auto const eos = [&](std::string_view generation) {
        folder.write("generation_config.json", generation);
        return load_model_config(folder.path()).eos_token_ids;
    };
    EXPECT_EQ(load_model_config(folder.path()).eos_token_ids, std::vector<std::int32_t>{2});
    EXPECT_EQ(eos(R"({"eos_token_id":[7,9]})"), (std::vector<std::int32_t>{7, 9}));
    EXPECT_EQ(eos(R"({"eos_token_id":7})"), std::vector<std::int32_t>{7});
    EXPECT_EQ(eos(R"({"eos_token_id":null})"), std::vector<std::int32_t>{2});
    EXPECT_EQ(eos(R"({"bos_token_id":1})"), std::vector<std::int32_t>{2});
    EXPECT_ERROR(eos(R"({"eos_token_id":64})"), ExitCode::bad_data, "generation_config.json", "eos_token_id is 64");
    EXPECT_ERROR(eos("[]"), ExitCode::bad_data, "generation_config.json");
    EXPECT_ERROR(eos("{"), ExitCode::bad_data, "generation_config.json", "not valid JSON");
}

}  // namespace
}  // namespace gatesweep
