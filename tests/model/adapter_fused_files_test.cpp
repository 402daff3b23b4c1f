// Adapters whose files hold all experts of a layer together, of this and of older versions of PEFT.
#include <gtest/gtest.h>

#include "model/adapter_files.h"

namespace gatesweep {
namespace {

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

}  // namespace
}  // namespace gatesweep
