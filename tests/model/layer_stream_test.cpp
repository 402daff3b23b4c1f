// Layers read one by one: the weights of load_weights, and every way in which a disk can disappoint half way.
#include "gatesweep/model/layer_stream.h"

#include <gtest/gtest.h>

#include <fstream>

#include "gatesweep/base/faults.h"
#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/checkpoint_layout.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

// A copy of a golden checkpoint that may be damaged.
class LayerStreamTest : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::copy(load_golden("hub-bf16").model_folder(), folder_ / "model",
                              std::filesystem::copy_options::recursive);
        config_ = load_model_config(folder_ / "model");
        checkpoint_.emplace(folder_ / "model");
        map_ = std::make_shared<WeightMap const>(validate_checkpoint(*checkpoint_, config_));
        source_ = {&*checkpoint_, &config_, map_, {0, config_.num_experts}, at::kFloat, at::kCPU};
    }
    void TearDown() override { clear_faults(); }

    std::filesystem::path shard_of(std::string const& tensor) const {
        return folder_ / "model" / checkpoint_->file_of(tensor);
    }
    void change_a_byte_of(std::string const& tensor) const {
        SafetensorsFile const shard(shard_of(tensor));
        std::uint64_t data = 0;  // behind the header
        for (auto const& [name, entry] : shard.tensors())
            data += entry.num_bytes();
        std::uint64_t const at = shard.file_size() - data + checkpoint_->entry(tensor).begin;
        std::fstream file(shard.path(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(at));
        char const old = static_cast<char>(file.get());
        file.seekp(static_cast<std::streamoff>(at));
        file.put(static_cast<char>(old ^ 1));
    }
    static std::string expert(std::int64_t layer) {
        return "model.layers." + std::to_string(layer) + ".block_sparse_moe.experts.1.w1.weight";
    }

    TemporaryFolder folder_;
    ModelConfig config_;
    std::optional<Checkpoint> checkpoint_;
    std::shared_ptr<WeightMap const> map_;
    WeightSource source_;
};

bool equal(LinearWeight const& a, LinearWeight const& b) {
    return at::equal(a.plain(), b.plain());
}

TEST_F(LayerStreamTest, GivesTheWeightsOfLoadWeights) {
    source_.experts = {2, 3};
    source_.dtype = at::kBFloat16;
    Weights const all = load_weights(source_);
    LayerStream stream(source_);
    EXPECT_TRUE(at::equal(stream.embedding(), all.embedding));
    auto const expect_layer = [&](std::int64_t l, std::int64_t next) {
        LayerWeights const& w = stream.layer(l, next);
        LayerWeights const& expected = all.layers[l];
        EXPECT_TRUE(at::equal(w.input_norm, expected.input_norm));
        EXPECT_TRUE(at::equal(w.post_attention_norm, expected.post_attention_norm));
        EXPECT_TRUE(at::equal(w.gate, expected.gate));
        EXPECT_TRUE(equal(w.qkv, expected.qkv) && equal(w.o_proj, expected.o_proj));
        ASSERT_EQ(w.experts.gate_up.size(), 3u);
        for (std::size_t x = 0; x < 3; ++x) {
            EXPECT_TRUE(equal(w.experts.gate_up[x], expected.experts.gate_up[x]));
            EXPECT_TRUE(equal(w.experts.down[x], expected.experts.down[x]));
        }
    };
    std::int64_t const last = config_.num_layers - 1;
    for (std::int64_t l = 0; l <= last; ++l)
        expect_layer(l, l < last ? l + 1 : l - 1);
    OutputHead const head = stream.head();
    EXPECT_TRUE(at::equal(head.final_norm, all.final_norm) && equal(head.lm_head, all.lm_head));
    EXPECT_EQ(stream.digests(), all.digests);
    for (std::int64_t l = last; l >= 0; --l)
        expect_layer(l, l - 1);
    expect_layer(last, 0);  // not the one that was read ahead
    expect_layer(1, LayerStream::none);
    EXPECT_EQ(stream.digests(), all.digests) << "a part counts once, however often it is read";
}

TEST_F(LayerStreamTest, ReadsALayerOnceWhereItIsAskedForTwiceInARow) {
    LayerStream stream(source_);
    stream.layer(1, LayerStream::none);
    std::uint64_t const once = checkpoint_->bytes_read();
    stream.layer(1, LayerStream::none);
    stream.prefetch(1);
    EXPECT_EQ(checkpoint_->bytes_read(), once);
}

TEST_F(LayerStreamTest, TakesNoMoreThanItSays) {
    LayerStream stream(source_);
    LayerWeights const& w = stream.layer(0, LayerStream::none);
    std::int64_t elements = w.input_norm.numel() + w.post_attention_norm.numel() + 2 * w.gate.numel();
    auto const add = [&](LinearWeight const& matrix) { elements += matrix.num_outputs() * matrix.num_inputs(); };
    add(w.qkv);
    add(w.o_proj);
    std::ranges::for_each(w.experts.gate_up, add);
    std::ranges::for_each(w.experts.down, add);
    std::uint64_t const layer = sizeof(float) * static_cast<std::uint64_t>(elements);
    std::uint64_t const said = LayerStream::num_bytes(config_, config_.num_experts, sizeof(float));
    std::uint64_t const head = sizeof(float) * static_cast<std::uint64_t>(config_.vocab_size * config_.hidden_size);
    EXPECT_GE(said, 2 * layer + head);
    EXPECT_LE(said, 3 * layer + 2 * head);
}

TEST_F(LayerStreamTest, NamesAShardThatEndsWhileItIsRead) {
    LayerStream stream(source_);
    stream.layer(0, LayerStream::none);
    std::filesystem::resize_file(shard_of(expert(config_.num_layers - 1)), 5000);
    std::string const name = checkpoint_->file_of(expert(config_.num_layers - 1));
    EXPECT_ERROR(stream.layer(config_.num_layers - 1, LayerStream::none), ExitCode::bad_data, name, "bytes early",
                 "copy it again");
}

TEST_F(LayerStreamTest, TellsOfAFailedReadToWhoeverWantsTheLayer) {
    LayerStream stream(source_);
    stream.layer(0, LayerStream::none);
    inject_fault({.fault = Fault::eio, .at = 3, .path_part = ""});
    EXPECT_NO_THROW(stream.layer(0, 1)) << "layer 0 is whole";
    EXPECT_ERROR(stream.layer(1, LayerStream::none), ExitCode::io, "reading failed", "model-0000");
    clear_faults();
    EXPECT_NO_THROW(stream.layer(1, LayerStream::none));
}

TEST_F(LayerStreamTest, RefusesWeightsThatChangeBetweenTwoReadings) {
    LayerStream stream(source_);
    stream.layer(1, 0);
    stream.layer(0, LayerStream::none);
    change_a_byte_of(expert(1));
    EXPECT_ERROR(stream.layer(1, LayerStream::none), ExitCode::bad_data, "layer 1 is not what it was", "run again");
}

TEST_F(LayerStreamTest, EndsWhileALayerIsBeingRead) {
    LayerStream stream(source_);
    stream.layer(0, 1);
}

}  // namespace
}  // namespace gatesweep
