#include "mlp_experts.h"

#include <nlohmann/json.hpp>
#include <set>

#include "expert_names.h"
#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

WeightMap hub(ModelConfig const& c) {
    return expert_by_expert(c, {"mlp", "gate_proj", "down_proj", "up_proj"});
}

std::int64_t first_router(ModelConfig const& c) {
    return c.sparse_layers().front();
}

// Every decoder_sparse_step-th layer has a router, but for those that mlp_only_layers lists.
void read_dense_layers(ConfigFields const& fields, ModelConfig& config) {
    std::int64_t const step = fields.size_or("decoder_sparse_step", 1, max_config_count);
    std::set<std::int64_t> dense;
    for (std::int64_t l = 0; l < config.num_layers; ++l) {
        if ((l + 1) % step != 0) dense.insert(l);
    }
    if (auto const* const listed = fields.find("mlp_only_layers")) {
        if (!listed->is_array()) fields.wrong("mlp_only_layers", *listed, "a list of layers");
        for (auto const& layer : *listed)
            dense.insert(fields.integer(layer, "mlp_only_layers", 0, config.num_layers - 1));
    }
    GATESWEEP_VALIDATE(std::ssize(dense) < config.num_layers, ExitCode::bad_data,
                       "{}: mlp_only_layers and decoder_sparse_step leave no layer with a router (there is nothing to "
                       "measure): choose another model",
                       fields.file());
    config.dense_layers.assign(dense.begin(), dense.end());
    config.dense_size = config.intermediate_size;
}

}  // namespace

Spelling const mlp_expert_spellings[2] = {
    {hub, [](ModelConfig const& c) { return layer_tensor(first_router(c), "mlp.experts.0.gate_proj.weight"); }},
    {[](ModelConfig const& c) { return fused_experts(c); },
     [](ModelConfig const& c) { return layer_tensor(first_router(c), "mlp.experts.gate_up_proj"); }},
};

void read_qwen_config(ConfigFields const& fields, ModelConfig& config) {
    config.router.renormalise = fields.flag_or("norm_topk_prob", false);
    read_expert_counts(fields, config);
    read_dense_layers(fields, config);
    config.intermediate_size = fields.required({"moe_intermediate_size"}, max_config_width);
    config.rms_norm_eps = 1e-6;
    config.rope_theta = 1e4;
    config.max_position_embeddings = 32768;
    config.eos_token_ids.clear();
    refuse_windows(fields);
}

}  // namespace gatesweep
