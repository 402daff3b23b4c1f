#include "deepseek_experts.h"

#include <nlohmann/json.hpp>

#include "expert_names.h"
#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

WeightMap hub(ModelConfig const& c) {
    return expert_by_expert(c, {"mlp", "gate_proj", "down_proj", "up_proj", {.shared = "shared_experts"}});
}

WeightMap fused(ModelConfig const& c) {
    return fused_experts(c, {.shared = "shared_experts"});
}

std::string first_experts(ModelConfig const& c, std::string_view name) {
    return layer_tensor(c.sparse_layers().front(), fmt::format("mlp.experts.{}", name));
}

void read_dense_layers(ConfigFields const& fields, ModelConfig& config, std::int64_t router_step) {
    std::int64_t first = 0;
    if (auto const* const given = fields.find("first_k_dense_replace"))
        first = fields.integer(*given, "first_k_dense_replace", 0, max_config_count);
    for (std::int64_t l = 0; l < config.num_layers; ++l) {
        if (l < first || l % router_step != 0) config.dense_layers.push_back(l);
    }
    GATESWEEP_VALIDATE(config.num_sparse_layers() > 0, ExitCode::bad_data,
                       "{}: first_k_dense_replace and moe_layer_freq leave no layer with a router (there is nothing to "
                       "measure): choose another model",
                       fields.file());
    config.dense_size = config.intermediate_size;
}

}  // namespace

Spelling const deepseek_spellings[2] = {
    {hub, [](ModelConfig const& c) { return first_experts(c, "0.gate_proj.weight"); }},
    {fused, [](ModelConfig const& c) { return first_experts(c, "gate_up_proj"); }},
};

void read_deepseek_experts(ConfigFields const& fields, ModelConfig& config, std::int64_t router_step) {
    config.num_experts = fields.required({"n_routed_experts"}, max_config_count);
    config.top_k = fields.required({"num_experts_per_tok"}, max_config_count);
    fields.validate_top_k(config);
    read_dense_layers(fields, config, router_step);
    config.intermediate_size = fields.required({"moe_intermediate_size"}, max_config_width);
    config.weighs_shared = false;
    if (auto const* const shared = fields.find("n_shared_experts"))
        config.shared_size =
            fields.integer(*shared, "n_shared_experts", 1, max_config_width / config.intermediate_size) *
            config.intermediate_size;
    if (auto const* const score = fields.find("scoring_func")) {
        if (fields.text(*score, "scoring_func") != "softmax")
            fields.wrong("scoring_func", *score, "\"softmax\" (what gatesweep computes for this family)");
    }
    if (auto const* const size = fields.find("ep_size")) fields.integer(*size, "ep_size", 1, 1);
    config.rms_norm_eps = 1e-6;
    config.rope_theta = 1e4;
    config.max_position_embeddings = 2048;
}

}  // namespace gatesweep
