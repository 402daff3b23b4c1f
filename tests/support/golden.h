// The golden checkpoints and what Hugging Face transformers computed on them (tests/golden/README.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gatesweep/base/file.h"
#include "gatesweep/base/nd_array.h"
#include "gatesweep/model/checkpoint_layout.h"
#include "gatesweep/model/decoder.h"
#include "gatesweep/store/npy.h"

namespace gatesweep {

struct Golden {
    std::filesystem::path folder;
    nlohmann::json json;
    std::vector<std::vector<std::int32_t>> prompts;
    std::vector<double> losses;

    std::filesystem::path model_folder() const { return folder / "model"; }
    NdArray<std::int64_t> counts(std::string const& suffix = "") const {
        return read_npy<std::int64_t>(folder / ("counts" + suffix + ".npy"));
    }
    NdArray<double> gradient_scores(std::string const& suffix = "") const {
        return read_npy<double>(folder / ("gradient_scores" + suffix + ".npy"));
    }
};

inline std::vector<std::string> golden_names() {
    return {"hub-bf16",         "fused-f16",        "plain-f32",
            "wide-bf16",        "three-f16",        "top1-bf16",
            "olmoe-bf16",       "olmoe-clip-f32",   "qwen2-moe-bf16",
            "qwen2-moe-f16",    "qwen3-moe-bf16",   "qwen3-moe-f32",
            "qwen2-dense-bf16", "qwen3-dense-f32",  "deepseek-bf16",
            "deepseek-f32",     "deepseek-v2-bf16", "deepseek-v2-lite-f32",
            "phimoe-bf16",      "phimoe-long-f32",  "gpt-oss-mxfp4",
            "gpt-oss-f32"};
}

// Of the kinds that only judge.
inline std::vector<std::string> dense_golden_names() {
    return {"dense-bf16", "dense-qwen2-bf16", "dense-qwen3-f32", "dense-llama-f16", "dense-llama3-bf16"};
}

inline Golden load_golden(std::string const& name) {
    Golden golden;
    golden.folder = std::filesystem::path(GATESWEEP_GOLDEN_DIR) / name;
    golden.json = nlohmann::json::parse(read_file(golden.folder / "golden.json"));
    for (auto const& prompt : golden.json.at("prompts")) {
        golden.prompts.push_back(prompt.at("token_ids").get<std::vector<std::int32_t>>());
        golden.losses.push_back(prompt.at("loss").get<double>());
    }
    return golden;
}

// Of all decoder layers, those without a router too.
inline RouterEdits no_edits(Golden const& golden) {
    ModelConfig const config = load_model_config(golden.model_folder());
    return {config.num_layers, config.num_experts};
}

inline Decoder load_model(std::filesystem::path const& folder, ParallelLayout const& layout, at::ScalarType dtype,
                          std::int64_t max_tokens = 512, at::Device device = at::kCPU) {
    ModelConfig const config = load_model_config(folder);
    Checkpoint const checkpoint(folder);
    auto const map = std::make_shared<WeightMap const>(validate_checkpoint(checkpoint, config));
    Weights weights =
        load_weights({&checkpoint, &config, map, layout.local_experts(config.num_experts), dtype, device});
    return Decoder(config, std::move(weights), layout, max_tokens);
}

}  // namespace gatesweep
