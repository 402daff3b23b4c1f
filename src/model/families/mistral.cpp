// A dense model, as a judge: the same decoder with one expert that every token goes to.
#include "mistral.h"

namespace gatesweep {
namespace {

void read_config(ConfigFields const& fields, ModelConfig& config) {
    config.router = {RouterRule::Choice::none, true};
    config.num_experts = config.top_k = 1;
    config.rms_norm_eps = 1e-6;
    config.rope_theta = 1e4;
    if (!fields.contains("sliding_window")) config.sliding_window = 4096;
    read_window(fields, config);
}

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

constexpr Spelling spellings[] = {
    {names, [](ModelConfig const&) { return layer_tensor(0, "mlp.gate_proj.weight"); }},
};

}  // namespace

Family const mistral = {"mistral", "Mistral", true, 8, read_config, spellings};

}  // namespace gatesweep
