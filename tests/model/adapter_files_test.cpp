// Adapters in PEFT's files: read and written in both namings, byte for byte, and every way in which one can be wrong.
#include "gatesweep/model/adapter_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/adapter_files.h"
#include "support/expect_error.h"
#include "support/golden_adapter.h"
#include "support/safetensors_writer.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

void expect_same_files(fs::path const& folder, fs::path const& expected) {
    EXPECT_EQ(read_file(folder / adapter_config_name), read_file(expected / adapter_config_name));
    EXPECT_TRUE(read_file(folder / adapter_weights_name) == read_file(expected / adapter_weights_name)) << expected;
}

class GoldenFiles : public testing::TestWithParam<std::string> {
protected:
    GoldenFiles()
        : golden_(load_golden_adapter(GetParam())), config_(load_model_config(golden_.golden.model_folder())) {}
    bool has_names() const {
        auto const names = adapter_names_per_expert();
        return std::ranges::find(names, GetParam()) != names.end();
    }
    Adapter read(std::string const& naming) const { return read_adapter(golden_.folder(naming), config_); }

    GoldenAdapter golden_;
    ModelConfig config_;
    TemporaryFolder folder_;
};

TEST_P(GoldenFiles, AreReadWhole) {
    Adapter const adapter = read("fused");
    EXPECT_EQ(adapter.rank, golden_.json.at("rank").get<std::int64_t>());
    EXPECT_EQ(adapter.alpha, golden_.json.at("alpha").get<double>());
    std::map<std::string, AdaptedMatrix> const matrices = {
        {"w1", AdaptedMatrix::w1},         {"w2", AdaptedMatrix::w2},         {"w3", AdaptedMatrix::w3},
        {"q_proj", AdaptedMatrix::q_proj}, {"k_proj", AdaptedMatrix::k_proj}, {"v_proj", AdaptedMatrix::v_proj},
        {"o_proj", AdaptedMatrix::o_proj}};
    ASSERT_EQ(adapter.pairs.size(), golden_.json.at("places").size());
    for (auto const& place : golden_.json.at("places")) {
        AdapterPlace const adapted{place[0].get<std::int64_t>(), place[1].get<std::int64_t>(),
                                   matrices.at(place[2].get<std::string>())};
        EXPECT_TRUE(adapter.pairs.contains(adapted)) << place;
    }
    if (has_names()) expect_equal(read("per-expert"), adapter);
}

TEST_P(GoldenFiles, AreWrittenByteForByte) {
    Adapter const adapter = read("fused");
    write_adapter(folder_ / "fused", adapter, config_, AdapterNaming::fused);
    expect_same_files(folder_ / "fused", golden_.folder("fused"));
    if (!has_names()) {
        bool const is_gpt = config_.family == "gpt_oss";
        if (is_gpt) EXPECT_ERROR(write_adapter(folder_ / "own", adapter, config_), ExitCode::job, "gpt-oss", "fused");
        return;
    }
    // Over the files of another.
    write_adapter(folder_ / "own", adapter, config_, AdapterNaming::fused);
    write_adapter(folder_ / "own", adapter, config_);
    expect_same_files(folder_ / "own", golden_.folder("per-expert"));
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenFiles, testing::ValuesIn(adapter_names()), [](auto const& parameter) {
    std::string name = parameter.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST_F(AdapterFiles, ComeBackAsTheyWere) {
    expect_equal(read(), adapter_);
    EXPECT_EQ(adapter_text(read()), "rank 2, alpha 4, 2 matrices of 1 expert, 1 of attention");
    std::string const first = read_file(folder_ / adapter_weights_name);
    write_adapter(folder_.path(), read(), config_);
    EXPECT_TRUE(read_file(folder_ / adapter_weights_name) == first);
    EXPECT_EQ(read_optional_adapter({}, config_), nullptr);
}

TEST_F(AdapterFiles, TakeRanksAndAlphasOfTheirOwn) {
    write_safetensors(folder_ / adapter_weights_name, pair(expert_, 16, 32, 3));
    change("rank_pattern", {{"w1", 3}});
    EXPECT_EQ(read().scale(), 2.0);
    EXPECT_DOUBLE_EQ(read().scale_of(read().pairs.begin()->second), 4.0 / 3);
    fields_["rank_pattern"] = {{"^.*\\.experts\\.2\\.w1", 3}};
    change("alpha_pattern", {{"2.w1", 9}});
    EXPECT_DOUBLE_EQ(read().scale_of(read().pairs.begin()->second), 3.0);
    change("use_rslora", true);
    EXPECT_DOUBLE_EQ(read().scale_of(read().pairs.begin()->second), 4 / std::sqrt(3.0));
    fields_["rank_pattern"] = {{"w1", 3}, {"experts.2.w1", 2}};
    change("r", 2);
    EXPECT_ERROR(read(), ExitCode::bad_data, "rank_pattern", expert_);
    expect_refused("rank_pattern", {{"w[12]", 3}});
}

TEST_F(AdapterFiles, AreRefusedForWhatTheirConfigurationAsksFor) {
    for (auto const& [field, value] : std::vector<std::pair<std::string, json>>{{"peft_type", "IA3"},
                                                                                {"peft_type", nullptr},
                                                                                {"r", 0},
                                                                                {"r", 2.5},
                                                                                {"r", nullptr},
                                                                                {"lora_alpha", "4"},
                                                                                {"lora_alpha", -1},
                                                                                {"lora_alpha", nullptr},
                                                                                {"bias", "all"},
                                                                                {"use_dora", true},
                                                                                {"modules_to_save", {"lm_head"}},
                                                                                {"fan_in_fan_out", true},
                                                                                {"init_lora_weights", "pissa"},
                                                                                {"layer_replication", {{0, 1}}},
                                                                                {"lora_bias", true},
                                                                                {"trainable_token_indices", {1}},
                                                                                {"use_rslora", "yes"},
                                                                                {"peft_version", "new"},
                                                                                {"alpha_pattern", {{"w1", 0}}},
                                                                                {"target_parameters", 3},
                                                                                {"something_new", true}})
        expect_refused(field, value);
    change("something_new", false);
    EXPECT_NO_THROW(read());
    folder_.write(adapter_config_name, "[]");
    EXPECT_ERROR(read(), ExitCode::bad_data, adapter_config_name, "not a JSON object");
    folder_.write(adapter_config_name, R"({"r": 2, "r": 3})");
    EXPECT_ERROR(read(), ExitCode::bad_data, adapter_config_name);
    fs::remove(folder_ / adapter_config_name);
    EXPECT_ERROR(read(), ExitCode::input_missing, adapter_config_name);
}

TEST_F(AdapterFiles, AreRefusedForTensorsThatAreNoneOfTheModels) {
    for (auto const& [module, words] : std::vector<std::pair<std::string, std::string_view>>{
             {"model.layers.0.block_sparse_moe.gate", "the router"},
             {"model.layers.0.mlp.gate", "the router"},
             {"model.embed_tokens", "the embedding"},
             {"lm_head", "the output head"},
             {"model.norm", "norms"},
             {"model.layers.0.block_sparse_moe.experts.3.w1", "nothing in the model"},
             {"model.layers.2.block_sparse_moe.experts.0.w1", "nothing in the model"},
             {"model.layers.0.mlp.experts.0.gate_proj", "nothing in the model"},
             {"model.layers.0.self_attn.q_norm", "nothing in the model"}})
        expect_refused(pair(module, 16, 32), {module, words, "q_proj"});
    auto const named = [](std::string const& name) { return std::vector{float_tensor(name, {1}, {1.0F})}; };
    expect_refused(named(expert_ + ".lora_A.weight"), {"nothing in the model"});
    expect_refused(named("base_model.model." + expert_ + ".lora_magnitude_vector"), {"lora_magnitude_vector"});
    expect_refused(named("base_model.model.model.embed_tokens.lora_embedding_A"), {"the embedding"});
    expect_refused(named("base_model.model.lm_head.modules_to_save.weight"), {"the output head"});
}

TEST_F(AdapterFiles, AreRefusedForTensorsThatDoNotFit) {
    expect_refused({half(expert_, 'A', {2, 32})}, {expert_, "other half"});
    expect_refused({half(expert_, 'B', {16, 2})}, {expert_, "other half"});
    expect_refused(pair(expert_, 16, 31), {expert_, "[2, 31]", "[2, 32]"});
    expect_refused(pair(expert_, 17, 32), {expert_, "[17, 2]", "[16, 2]"});
    expect_refused(pair(expert_, 16, 32, 4), {expert_, "[4, 32]", "rank"});
    auto damaged = pair(expert_, 16, 32);
    damaged[1] = half(expert_, 'B', {16, 2}, std::numeric_limits<float>::quiet_NaN());
    expect_refused(damaged, {expert_, "32 values that are NaN"});
    damaged[1] = zero_tensor(damaged[1].name, {16, 2}, "F64", 64);
    expect_refused(damaged, {expert_, "F64"});
    damaged[1] = half(expert_, 'B', {16, 2}, 0.0F);
    expect_refused(damaged, {"every product of the adapter is zero"});
    folder_.write(adapter_weights_name, "short");
    EXPECT_ERROR(read(), ExitCode::bad_data, adapter_weights_name);
    fs::remove(folder_ / adapter_weights_name);
    EXPECT_ERROR(read(), ExitCode::input_missing, adapter_weights_name);
    folder_.write("adapter_model.bin", "");
    EXPECT_ERROR(read(), ExitCode::input_missing, "pickled", "safetensors");
}

TEST(AdapterFromPeft, SavedAgainIsTheSame) {
    GoldenAdapter const golden = load_golden_adapter("hub-bf16");
    ModelConfig const config = load_model_config(golden.golden.model_folder());
    expect_equal(read_adapter(golden.folder("peft"), config), read_adapter(golden.folder("per-expert"), config));
}

TEST(AdapterOfAnotherFamily, IsRefused) {
    GoldenAdapter const golden = load_golden_adapter("hub-bf16");
    ModelConfig const olmoe = load_model_config(load_golden("olmoe-bf16").model_folder());
    for (char const* naming : {"per-expert", "fused"})
        EXPECT_ERROR(read_adapter(golden.folder(naming), olmoe), ExitCode::bad_data, adapter_weights_name);
}

TEST(LatentAttention, CanBeAdaptedWhereItHasTheMatrix) {
    ModelConfig const config = load_model_config(load_golden("deepseek-v2-bf16").model_folder());
    TemporaryFolder const folder;
    folder.write(adapter_config_name, R"({"peft_type": "LORA", "r": 1, "lora_alpha": 1})");
    for (std::string const module : {"q_proj", "kv_b_proj", "q_a_proj"}) {
        std::string const name = "base_model.model.model.layers.0.self_attn." + module;
        write_safetensors(folder / adapter_weights_name, {float_tensor(name + ".lora_A.weight", {1, 1}, {1.0F}),
                                                          float_tensor(name + ".lora_B.weight", {1, 1}, {1.0F})});
        EXPECT_ERROR(read_adapter(folder.path(), config), ExitCode::bad_data, module,
                     module == "q_proj" ? "nothing in the model" : "latent attention");
    }
}

}  // namespace
}  // namespace gatesweep
