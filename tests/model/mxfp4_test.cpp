// MXFP4: every byte under every scale, and every way in which a packed checkpoint and its config.json can disagree.
#include "model/mxfp4.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "gatesweep/base/file.h"
#include "gatesweep/model/model_size.h"
#include "model/small_config.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// By the format's definition: a sign, two bits of exponent with bias 1, one bit of fraction.
double value_of(unsigned code) {
    unsigned const exponent = code >> 1 & 3, fraction = code & 1;
    double const magnitude = exponent == 0 ? 0.5 * fraction : std::ldexp(1.0 + 0.5 * fraction, int(exponent) - 1);
    return code & 8 ? -magnitude : magnitude;
}

TEST(Mxfp4, UnpacksEveryByteUnderEveryScale) {
    std::vector<std::byte> bytes, scales;
    for (unsigned scale = 0; scale < 255; ++scale) {
        for (unsigned byte = 0; byte < 256; ++byte)
            bytes.push_back(std::byte(byte));
        scales.insert(scales.end(), 256 / mxfp4::block_bytes, std::byte(scale));
    }
    std::vector<float> out(2 * bytes.size());
    mxfp4::unpack(bytes, scales, out);
    for (std::size_t i = 0; i < out.size(); ++i) {
        unsigned const byte = std::to_integer<unsigned>(bytes[i / 2]), code = i % 2 == 0 ? byte & 15 : byte >> 4;
        int const scale = std::to_integer<int>(scales[i / mxfp4::block_values]);
        auto const expected = static_cast<float>(std::ldexp(value_of(code), scale - 127));
        ASSERT_EQ(out[i], expected) << "byte " << byte << ", scale " << scale;
        ASSERT_EQ(std::signbit(out[i]), std::signbit(expected)) << "byte " << byte << ", scale " << scale;
        ASSERT_EQ(static_cast<float>(at::BFloat16(out[i])), expected) << "byte " << byte << ", scale " << scale;
    }
}

TEST(Mxfp4, TakesNoBlocks) {
    mxfp4::unpack({}, {}, {});
}

// A copy of a golden checkpoint that may be damaged.
class Mxfp4Checkpoint : public testing::Test {
protected:
    void SetUp() override { take("gpt-oss-mxfp4"); }
    void take(std::string const& name) {
        fs::remove_all(model());
        fs::copy(load_golden(name).model_folder(), model(), fs::copy_options::recursive);
    }
    fs::path model() const { return folder_ / "model"; }

    // In every file that holds it; as long as before, so that everything else stays where it is.
    void replace(std::string const& from, std::string const& to) const {
        ASSERT_EQ(from.size(), to.size());
        int num_replaced = 0;
        for (auto const& entry : fs::directory_iterator(model())) {
            std::string text = read_file(entry.path());
            for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size()), ++num_replaced)
                text.replace(at, from.size(), to);
            folder_.write(fs::path("model") / entry.path().filename(), text);
        }
        EXPECT_GT(num_replaced, 0) << from;
    }
    void change_config(std::vector<std::pair<std::string, json>> const& changes) const {
        folder_.write("model/config.json", with(json::parse(read_file(model() / "config.json")), changes).dump());
    }
    // Byte `at` of a tensor's data.
    void set_byte(std::string const& tensor, std::uint64_t at, unsigned char value) const {
        Checkpoint const checkpoint(model());
        fs::path const shard = model() / checkpoint.file_of(tensor);
        std::uint64_t header = 0;
        std::fstream file(shard, std::ios::in | std::ios::out | std::ios::binary);
        file.read(reinterpret_cast<char*>(&header), sizeof header);
        file.seekp(static_cast<std::streamoff>(sizeof header + header + checkpoint.entry(tensor).begin + at));
        file.put(static_cast<char>(value));
    }
    void load() const {
        ModelConfig const config = load_model_config(model());
        Checkpoint const checkpoint(model());
        auto const map = std::make_shared<WeightMap const>(validate_checkpoint(checkpoint, config));
        load_weights({&checkpoint, &config, map, {0, config.num_experts}, at::kFloat, at::kCPU});
    }

    TemporaryFolder folder_;
    std::string const gate_up_ = "model.layers.1.mlp.experts.gate_up_proj";
};

TEST_F(Mxfp4Checkpoint, IsReadAsItWasMade) {
    EXPECT_NO_THROW(load());
    ModelConfig const config = load_model_config(model());
    EXPECT_TRUE(config.mxfp4_experts);
    EXPECT_EQ(config.stored_dtype, "bfloat16");
    // Memory holds every element; the disk 17 bytes for 32 of them.
    ModelConfig plain = config;
    plain.mxfp4_experts = false;
    EXPECT_EQ(weight_bytes(config, 8, 2), weight_bytes(plain, 8, 2));
    std::int64_t const matrices = 3 * config.hidden_size * config.intermediate_size * config.num_experts;
    EXPECT_EQ(stored_bytes_by_layer(plain, 8, 2)[0] - stored_bytes_by_layer(config, 8, 2)[0],
              2 * matrices - matrices * 17 / 32);
}

TEST_F(Mxfp4Checkpoint, RefusesBlocksOfAnotherShape) {
    replace("[8,64,2,16]", "[8,64,4, 8]");
    EXPECT_ERROR(load(), ExitCode::bad_data, "gate_up_proj_blocks", "shape [8, 64, 4, 8]", "asks for [8, 64, 2, 16]");
}

TEST_F(Mxfp4Checkpoint, RefusesScalesThatAreMissingOrOfAnotherShape) {
    replace("gate_up_proj_scales", "gate_up_proj_scalez");
    EXPECT_ERROR(load(), ExitCode::bad_data, "gate_up_proj_scales\" [8, 64, 2] is missing");
    take("gpt-oss-mxfp4");
    replace("[8,64,2]", "[8,2,64]");
    EXPECT_ERROR(load(), ExitCode::bad_data, "gate_up_proj_scales", "shape [8, 2, 64]", "asks for [8, 64, 2]");
}

TEST_F(Mxfp4Checkpoint, RefusesOtherTypes) {
    replace("\"U8\"", "\"I8\"");
    EXPECT_ERROR(load(), ExitCode::bad_data, "is stored as I8", "U8");
}

TEST_F(Mxfp4Checkpoint, RefusesAScaleThatIsNoNumber) {
    set_byte(gate_up_ + "_scales", 700, 255);
    EXPECT_ERROR(load(), ExitCode::bad_data, gate_up_ + "_scales", "holds 1 scale of 255", "copy it again");
    set_byte(gate_up_ + "_scales", 701, 255);
    EXPECT_ERROR(load(), ExitCode::bad_data, "holds 2 scales of 255");
}

TEST_F(Mxfp4Checkpoint, RefusesValuesBeyondFloat32) {
    set_byte(gate_up_ + "_scales", 700, 254);
    set_byte(gate_up_ + "_blocks", 700 * mxfp4::block_bytes, 0x77);
    EXPECT_ERROR(load(), ExitCode::bad_data, gate_up_ + "_blocks", "NaN or infinite");
}

TEST_F(Mxfp4Checkpoint, RefusesAConfigOfOtherWeights) {
    change_config({{"quantization_config", nullptr}});
    EXPECT_ERROR(load(), ExitCode::bad_data, "gate_up_proj_blocks\" is there", "has no quantization_config of MXFP4");
    take("gpt-oss-f32");
    change_config({{"quantization_config", {{"quant_method", "mxfp4"}}}});
    EXPECT_ERROR(load(), ExitCode::bad_data, "intermediate_size is 24", "multiple of 32");
    change_config({{"quantization_config", {{"quant_method", "mxfp4"}}}, {"intermediate_size", 32}});
    EXPECT_ERROR(load(), ExitCode::bad_data, "gate_up_proj\" is there", "has a quantization_config of MXFP4");
}

TEST_F(Mxfp4Checkpoint, RefusesEveryOtherQuantization) {
    for (std::string const method : {"awq", "gptq", "fp8", "bitsandbytes", "compressed-tensors"}) {
        change_config({{"quantization_config", {{"quant_method", method}, {"bits", 4}}}});
        EXPECT_ERROR(load(), ExitCode::bad_data, "quant_method is \"" + method + "\"", "\"mxfp4\"", "bfloat16");
    }
    for (json const& unnamed : {json({{"load_in_4bit", true}}), json("mxfp4"), json({{"quant_method", 4}})}) {
        change_config({{"quantization_config", unnamed}});
        EXPECT_ERROR(load(), ExitCode::bad_data, "unnamed method");
    }
    for (char const* entry : {"model.layers.1.mlp.experts", "model.layers.*", "s", "", "lm_head|model", ".*experts.*",
                              "model.layers.1.mlp", "lm_head$|.*norm"}) {
        change_config(
            {{"quantization_config", {{"quant_method", "mxfp4"}, {"modules_to_not_convert", {"lm_head", entry}}}}});
        EXPECT_ERROR(load(), ExitCode::bad_data, "quantization_config.modules_to_not_convert is \"", entry,
                     "a module without experts");
    }
    for (json const& wrong : {json("lm_head"), json({1})}) {
        change_config({{"quantization_config", {{"quant_method", "mxfp4"}, {"modules_to_not_convert", wrong}}}});
        EXPECT_ERROR(load(), ExitCode::bad_data, "quantization_config.modules_to_not_convert");
    }
    change_config({{"quantization_config", {{"quant_method", "mxfp4"}, {"modules_to_not_convert", nullptr}}}});
    EXPECT_NO_THROW(load());
}

}  // namespace
}  // namespace gatesweep
