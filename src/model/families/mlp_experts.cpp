#include "mlp_experts.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "expert_names.h"

namespace gatesweep {
namespace {

constexpr std::string_view all_sparse = " (gatesweep computes models with a router in every layer)";

WeightMap hub(ModelConfig const& c) {
    return expert_by_expert(c, {"mlp", "gate_proj", "down_proj", "up_proj"});
}

void refuse_dense_layers(ConfigFields const& fields) {
    if (fields.size_or("decoder_sparse_step", 1, max_config_count) != 1)
        fields.wrong("decoder_sparse_step", *fields.find("decoder_sparse_step"), fmt::format("1{}", all_sparse));
    auto const* const dense = fields.find("mlp_only_layers");
    if (dense != nullptr && !(dense->is_array() && dense->empty()))
        fields.wrong("mlp_only_layers", *dense, fmt::format("an empty list{}", all_sparse));
}

void refuse_windows(ConfigFields const& fields) {
    fields.refuse_unless_false("use_sliding_window");
    auto const* const types = fields.find("layer_types");
    if (types == nullptr) return;
    bool const is_full = types->is_array() && std::ranges::all_of(*types, [](auto const& t) {
                             return t.is_string() && t.template get_ref<std::string const&>() == "full_attention";
                         });
    if (!is_full) fields.wrong("layer_types", *types, "a list of \"full_attention\" alone (what gatesweep computes)");
}

}  // namespace

Spelling const mlp_expert_spellings[2] = {
    {hub, [](ModelConfig const&) { return layer_tensor(0, "mlp.experts.0.gate_proj.weight"); }},
    {fused_experts, [](ModelConfig const&) { return layer_tensor(0, "mlp.experts.gate_up_proj"); }},
};

void read_qwen_config(ConfigFields const& fields, ModelConfig& config) {
    config.router.renormalise = fields.flag_or("norm_topk_prob", false);
    read_expert_counts(fields, config);
    config.intermediate_size = fields.required({"moe_intermediate_size"}, max_config_width);
    config.rms_norm_eps = 1e-6;
    config.rope_theta = 1e4;
    config.max_position_embeddings = 32768;
    config.eos_token_ids.clear();
    refuse_dense_layers(fields);
    refuse_windows(fields);
}

}  // namespace gatesweep
