// A checkpoint holds exactly the tensors that its config calls for; one that is missing, wrong or extra is named.
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/input/checkpoint.h"
#include "gatesweep/model/checkpoint_layout.h"
#include "gatesweep/model/model_size.h"
#include "gatesweep/model/weight_map.h"
#include "model/small_config.h"
#include "support/expect_error.h"
#include "support/safetensors_writer.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

// Every tensor that the config calls for, in the spelling of `layout`, all zero.
std::vector<TestTensor> tensors_of(ModelConfig const& c, std::string const& layout) {
    std::vector<TestTensor> out = {zero_tensor("model.embed_tokens.weight", {c.vocab_size, c.hidden_size}),
                                   zero_tensor("model.norm.weight", {c.hidden_size})};
    if (!c.tie_word_embeddings) out.push_back(zero_tensor("lm_head.weight", {c.vocab_size, c.hidden_size}));
    for (std::int64_t layer = 0; layer < c.num_layers; ++layer) {
        std::string const p = "model.layers." + std::to_string(layer) + ".";
        std::int64_t const d = c.hidden_size, f = c.intermediate_size;
        out.push_back(zero_tensor(p + "input_layernorm.weight", {d}, "F32", 32));
        out.push_back(zero_tensor(p + "post_attention_layernorm.weight", {d}, "F16"));
        out.push_back(zero_tensor(p + "self_attn.q_proj.weight", {c.num_heads * c.head_dim, d}));
        out.push_back(zero_tensor(p + "self_attn.k_proj.weight", {c.num_kv_heads * c.head_dim, d}));
        out.push_back(zero_tensor(p + "self_attn.v_proj.weight", {c.num_kv_heads * c.head_dim, d}));
        out.push_back(zero_tensor(p + "self_attn.o_proj.weight", {d, c.num_heads * c.head_dim}));
        if (layout == "fused") {
            out.push_back(zero_tensor(p + "mlp.gate.weight", {c.num_experts, d}));
            out.push_back(zero_tensor(p + "mlp.experts.gate_up_proj", {c.num_experts, 2 * f, d}));
            out.push_back(zero_tensor(p + "mlp.experts.down_proj", {c.num_experts, d, f}));
            continue;
        }
        out.push_back(zero_tensor(p + "block_sparse_moe.gate.weight", {c.num_experts, d}));
        for (std::int64_t e = 0; e < c.num_experts; ++e) {
            std::string const x = p + "block_sparse_moe.experts." + std::to_string(e);
            out.push_back(zero_tensor(x + ".w1.weight", {f, d}));
            out.push_back(zero_tensor(x + ".w2.weight", {d, f}));
            out.push_back(zero_tensor(x + ".w3.weight", {f, d}));
        }
    }
    return out;
}

std::string validate(std::vector<TestTensor> const& tensors, ModelConfig const& config) {
    TemporaryFolder const folder;
    write_safetensors(folder / "model.safetensors", tensors);
    return validate_checkpoint(Checkpoint(folder.path()), config).spelling();
}

class Layouts : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(ValidateCheckpoint, Layouts, testing::Values("hub", "fused"));

TEST_P(Layouts, AcceptsExactlyTheTensorsOfTheConfig) {
    ModelConfig config = small_config();
    auto const tensors = tensors_of(config, GetParam());
    EXPECT_EQ(validate(tensors, config), GetParam());
    std::int64_t num_elements = 0;
    for (auto const& t : tensors)
        num_elements += static_cast<std::int64_t>(t.data.size()) / (t.dtype == "F32" ? 4 : 2);
    EXPECT_EQ(num_parameters(config), num_elements);
}

TEST_P(Layouts, NamesEachTensorThatIsMissing) {
    ModelConfig const config = small_config();
    auto const tensors = tensors_of(config, GetParam());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        auto fewer = tensors;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        bool const decides_layout = tensors[i].name == "model.layers.0.mlp.gate.weight";
        expect_error(
            [&] { validate(fewer, config); }, ExitCode::bad_data,
            {decides_layout ? "model.layers.0.block_sparse_moe.gate.weight" : std::string_view(tensors[i].name),
             "missing", "1 file(s)"});
    }
}

TEST_P(Layouts, NamesEachTensorOfTheWrongShapeOrType) {
    ModelConfig const config = small_config();
    auto const tensors = tensors_of(config, GetParam());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        auto changed = tensors;
        changed[i].shape.insert(changed[i].shape.begin(), 1);
        expect_error([&] { validate(changed, config); }, ExitCode::bad_data,
                     {tensors[i].name, "has shape [1, ", "config.json asks for"});
        changed = tensors;
        changed[i] = zero_tensor(tensors[i].name, tensors[i].shape, "I8", 8);
        expect_error([&] { validate(changed, config); }, ExitCode::bad_data, {tensors[i].name, "stored as I8"});
    }
}

TEST_P(Layouts, RefusesTensorsThatTheModelDoesNotHave) {
    ModelConfig const config = small_config();
    auto const tensors = tensors_of(config, GetParam());
    for (char const* name :
         {"model.layers.2.input_layernorm.weight", "model.layers.0.self_attn.q_proj.bias", "extra",
          "model.layers.0.block_sparse_moe.experts.3.w1.weight", "model.layers.00.mlp.gate.weight"}) {
        auto more = tensors;
        more.push_back(zero_tensor(name, {1}));
        expect_error([&] { validate(more, config); }, ExitCode::bad_data, {name, "not part of the model"});
    }
    auto with_rotary = tensors;
    with_rotary.push_back(zero_tensor("model.layers.0.self_attn.rotary_emb.inv_freq", {3}, "F32", 32));
    EXPECT_EQ(validate(with_rotary, config), GetParam());
}

TEST(ValidateCheckpoint, ATiedHeadMayBeStoredOrNot) {
    ModelConfig config = small_config();
    auto const untied = tensors_of(config, "hub");
    config.tie_word_embeddings = true;
    EXPECT_EQ(validate(untied, config), "hub");
    EXPECT_EQ(validate(tensors_of(config, "hub"), config), "hub");
}

TEST(ValidateCheckpoint, RefusesAMixOfBothLayouts) {
    ModelConfig const config = small_config();
    auto mixed = tensors_of(config, "hub");
    for (auto& t : mixed) {
        if (t.name == "model.layers.0.block_sparse_moe.gate.weight") t.name = "model.layers.0.mlp.gate.weight";
    }
    EXPECT_ERROR(validate(mixed, config), ExitCode::bad_data, "model.layers.0.mlp.experts.gate_up_proj", "missing");
}

TEST(GoldenCheckpoints, AreValid) {
    std::size_t num_read = 0;
    for (auto const& entry : fs::directory_iterator(GATESWEEP_GOLDEN_DIR)) {
        fs::path const folder = entry.path() / "model";
        if (!fs::exists(folder / "config.json")) continue;
        SCOPED_TRACE(folder);
        ModelConfig const config = load_model_config(folder);
        Checkpoint const checkpoint(folder);
        std::set<std::string> const all_fused = {
            "fused-f16",       "three-f16",       "olmoe-clip-f32",       "qwen2-moe-f16", "qwen3-moe-f32",
            "qwen3-dense-f32", "phimoe-long-f32", "deepseek-v2-lite-f32", "gpt-oss-f32"};
        bool const fused = all_fused.contains(entry.path().filename());
        EXPECT_EQ(validate_checkpoint(checkpoint, config).spelling(), !config.has_router()   ? "dense"
                                                                      : config.mxfp4_experts ? "mxfp4"
                                                                      : fused                ? "fused"
                                                                                             : "hub");
        std::uint64_t const element = config.stored_dtype == "float32" ? 4 : 2;
        auto const sum = [](std::vector<std::int64_t> const& of_layers) {
            return std::accumulate(of_layers.begin(), of_layers.end(), std::int64_t{0});
        };
        std::int64_t const ends = num_parameters(config) - sum(elements_by_layer(config, config.num_experts)),
                           layers = sum(stored_bytes_by_layer(config, config.num_experts, element));
        EXPECT_EQ(checkpoint.total_bytes(), static_cast<std::uint64_t>(layers) + element * std::uint64_t(ends));
        ++num_read;
    }
    EXPECT_GE(num_read, 5u);
}

TEST(DemoCheckpoint, IsValid) {
    fs::path const folder = fs::path(GATESWEEP_SOURCE_DIR) / "jobs/demo/model";
    ModelConfig const config = load_model_config(folder);
    EXPECT_EQ(validate_checkpoint(Checkpoint(folder), config).spelling(), "hub");
}

}  // namespace
}  // namespace gatesweep
