#include "mixtral.h"

#include "expert_names.h"

namespace gatesweep {
namespace {

void read_config(ConfigFields const& fields, ModelConfig& config) {
    config.router = {RouterRule::Choice::softmax_top_k, true};
    read_expert_counts(fields, config);
    read_window(fields, config);
}

// model.layers.l.block_sparse_moe.experts.e.w1|w2|w3.weight, as on the hub.
WeightMap hub(ModelConfig const& c) {
    return expert_by_expert(c, {"block_sparse_moe", "w1", "w2", "w3"});
}

constexpr Spelling spellings[] = {
    {hub, [](ModelConfig const&) { return layer_tensor(0, "block_sparse_moe.gate.weight"); }},
    {[](ModelConfig const& c) { return fused_experts(c); },
     [](ModelConfig const&) { return layer_tensor(0, "mlp.gate.weight"); }},
};

}  // namespace

Family const mixtral = {"mixtral", "Mixtral", false, 8, read_config, spellings};

}  // namespace gatesweep
