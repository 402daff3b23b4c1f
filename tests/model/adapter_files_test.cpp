// Adapters in PEFT's files: read and written in both namings, byte for byte, and every way in which one can be wrong.
#include "gatesweep/model/adapter_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/small_config.h"
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

void expect_equal(Adapter const& adapter, Adapter const& expected) {
    EXPECT_EQ(adapter.rank, expected.rank);
    EXPECT_EQ(adapter.alpha, expected.alpha);
    ASSERT_EQ(adapter.pairs.size(), expected.pairs.size());
    for (auto const& [place, pair] : expected.pairs) {
        ASSERT_TRUE(adapter.pairs.contains(place)) << place.layer << " " << place.expert;
        EXPECT_TRUE(adapter.pairs.at(place).a.equal(pair.a));
        EXPECT_TRUE(adapter.pairs.at(place).b.equal(pair.b));
        EXPECT_EQ(adapter.scale_of(adapter.pairs.at(place)), expected.scale_of(pair));
    }
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

// A small Mixtral: hidden 32, experts of 16, 3 of them.
class AdapterFiles : public testing::Test {
protected:
    AdapterFiles() : config_(small_config()) {
        at::Tensor const a = at::arange(64, at::kFloat).view({2, 32}) / 64,
                         b = at::arange(32, at::kFloat).view({16, 2});
        adapter_.rank = 2;
        adapter_.alpha = 4;
        adapter_.pairs[{1, 2, AdaptedMatrix::w1}] = {a, b + 1};
        adapter_.pairs[{1, 2, AdaptedMatrix::w2}] = {(b + 1).t().contiguous(), a.t().contiguous()};
        adapter_.pairs[{0, -1, AdaptedMatrix::o_proj}] = {at::ones({2, 48}), at::ones({32, 2})};
        write_adapter(folder_.path(), adapter_, config_);
        fields_ = json::parse(read_file(folder_ / adapter_config_name));
    }
    Adapter read() const { return read_adapter(folder_.path(), config_); }
    void change(std::string const& field, json const& value) {
        json fields = fields_;
        fields[field] = value;
        folder_.write(adapter_config_name, fields.dump());
    }
    void expect_refused(std::string const& field, json const& value) {
        change(field, value);
        SCOPED_TRACE(field + " " + value.dump());
        EXPECT_ERROR(read(), ExitCode::bad_data, adapter_config_name, field);
    }
    // A file of these tensors, and refusing it with these words.
    void expect_refused(std::vector<TestTensor> const& tensors, std::vector<std::string_view> words) {
        write_safetensors(folder_ / adapter_weights_name, tensors);
        words.push_back(adapter_weights_name);
        expect_error([&] { read(); }, ExitCode::bad_data, words);
    }
    static TestTensor half(std::string const& module, char which, std::vector<std::int64_t> const& shape,
                           float value = 1.0F) {
        std::size_t const count = static_cast<std::size_t>(shape[0] * shape[1]);
        return float_tensor("base_model.model." + module + ".lora_" + which + ".weight", shape,
                            std::vector<float>(count, value));
    }
    static std::vector<TestTensor> pair(std::string const& module, std::int64_t out, std::int64_t in,
                                        std::int64_t rank = 2) {
        return {half(module, 'A', {rank, in}), half(module, 'B', {out, rank})};
    }

    ModelConfig config_;
    Adapter adapter_;
    TemporaryFolder folder_;
    json fields_;
    std::string const expert_ = "model.layers.1.block_sparse_moe.experts.2.w1";
};

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

TEST_F(AdapterFiles, OfAllExpertsTogetherMustSayWhichTensorsTheyAreOf) {
    std::string const experts = "model.layers.1.mlp.experts";
    auto const fused = [&](std::string const& module, std::int64_t out, std::int64_t in) {
        return std::vector{half(module, 'A', {3 * 2, in}), half(module, 'B', {out, 2 * 3})};
    };
    expect_refused(fused(experts, 32, 16), {});
    EXPECT_ERROR(read(), ExitCode::bad_data, adapter_config_name, "target_parameters", experts);
    change("target_parameters", {"experts.down_proj"});
    EXPECT_EQ(read().pairs.size(), 3u);
    expect_refused(fused(experts + ".base_layer", 32, 32), {"target_parameters"});
    change("target_parameters", {"mlp.experts.gate_up_proj", "mlp.experts.down_proj"});
    EXPECT_EQ(read().pairs.size(), 6u);
    expect_refused(fused(experts, 32, 17), {"[6, 17]", "[6, 16]"});
    expect_refused(fused("model.layers.2.mlp.experts", 32, 16), {"nothing in the model"});
}

// Before 0.19 PEFT took [E, out, in] for [E, in, out].
TEST_F(AdapterFiles, OfOlderVersionsHaveTheirHalvesTheOtherWayRound) {
    std::string const experts = "model.layers.1.mlp.experts";
    auto const tensors = [&](std::string const& module, at::Tensor const& a, at::Tensor const& b) {
        auto const make = [&](char which, at::Tensor const& values) {
            at::Tensor const x = values.contiguous();
            return float_tensor("base_model.model." + module + ".lora_" + which + ".weight", x.sizes().vec(),
                                {x.const_data_ptr<float>(), x.const_data_ptr<float>() + x.numel()});
        };
        return std::vector{make('A', a), make('B', b)};
    };
    // Expert e of 3, rank 2: a [e, r, in] and b [e, out, r].
    auto const write = [&](std::string const& module, at::Tensor const& a, at::Tensor const& b, bool turned) {
        at::Tensor const first = turned ? b.transpose(1, 2) : a, second = turned ? a.transpose(1, 2) : b;
        write_safetensors(folder_ / adapter_weights_name,
                          tensors(module, first.reshape({6, -1}), second.permute({1, 2, 0}).reshape({-1, 6})));
    };
    at::Tensor const a = at::arange(3 * 2 * 16, at::kFloat).view({3, 2, 16}) + 1,
                     b = at::arange(3 * 32 * 2, at::kFloat).view({3, 32, 2}) + 1;
    fields_["target_parameters"] = {"mlp.experts.down_proj"};
    fields_.erase("peft_version");
    change("lora_alpha", 4);
    write(experts, a, b, false);
    Adapter const adapter = read();
    EXPECT_TRUE(adapter.pairs.at({1, 1, AdaptedMatrix::w2}).a.equal(a[1]));
    EXPECT_TRUE(adapter.pairs.at({1, 1, AdaptedMatrix::w2}).b.equal(b[1]));
    write(experts, a, b, true);
    expect_equal(read(), adapter);

    // Gate and up together are as wide as the hidden states here: only the version tells.
    at::Tensor const square = at::arange(3 * 2 * 32, at::kFloat).view({3, 2, 32}) + 1;
    fields_["target_parameters"] = {"mlp.experts.gate_up_proj"};
    change("peft_version", "0.19.0");
    write(experts, square, b, false);
    Adapter const wide = read();
    EXPECT_TRUE(wide.pairs.at({1, 2, AdaptedMatrix::w3}).b.equal(b[2].slice(0, 16)));
    change("peft_version", "0.18.1");
    write(experts, square, b, true);
    expect_equal(read(), wide);
    change("peft_version", nullptr);
    EXPECT_ERROR(read(), ExitCode::bad_data, "peft_version");
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
