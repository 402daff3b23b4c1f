#include "dense.h"

namespace gatesweep {
namespace {

WeightMap names(ModelConfig const& c) {
    WeightMap map("dense");
    std::int64_t const d = c.hidden_size, f = c.intermediate_size;
    for (std::int64_t layer = 0; layer < c.num_layers; ++layer) {
        add_attention(map, c, layer);
        map.add({WeightRole::expert_gate, layer, 0}, layer_tensor(layer, "mlp.gate_proj.weight"), {f, d});
        map.add({WeightRole::expert_down, layer, 0}, layer_tensor(layer, "mlp.down_proj.weight"), {d, f});
        map.add({WeightRole::expert_up, layer, 0}, layer_tensor(layer, "mlp.up_proj.weight"), {f, d});
    }
    add_ends(map, c);
    return map;
}

}  // namespace

Spelling const dense_spellings[1] = {
    {names, [](ModelConfig const&) { return layer_tensor(0, "mlp.gate_proj.weight"); }},
};

void read_dense_config(ModelConfig& config) {
    config.router = {RouterRule::Choice::none, true};
    config.num_experts = config.top_k = 1;
    config.rms_norm_eps = 1e-6;
    config.rope_theta = 1e4;
}

}  // namespace gatesweep
