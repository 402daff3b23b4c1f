#include "mixtral.h"

namespace gatesweep {
namespace {

void read_config(ConfigFields const& fields, ModelConfig& config) {
    config.router = {RouterRule::Choice::softmax_top_k, true};
    config.num_experts = fields.required({"num_local_experts", "num_experts"}, max_config_count);
    config.top_k = fields.required({"num_experts_per_tok"}, max_config_count);
    fields.validate_top_k(config);
}

// model.layers.l.block_sparse_moe.experts.e.w1|w2|w3.weight, as on the hub.
WeightMap hub(ModelConfig const& c) {
    WeightMap map("hub");
    std::int64_t const d = c.hidden_size, f = c.intermediate_size;
    for (std::int64_t layer = 0; layer < c.num_layers; ++layer) {
        add_attention(map, c, layer);
        map.add({WeightRole::router, layer}, layer_tensor(layer, "block_sparse_moe.gate.weight"), {c.num_experts, d});
        for (std::int64_t expert = 0; expert < c.num_experts; ++expert) {
            auto const add = [&](WeightRole role, int number, std::vector<std::int64_t> const& shape) {
                map.add({role, layer, expert},
                        layer_tensor(layer, fmt::format("block_sparse_moe.experts.{}.w{}.weight", expert, number)),
                        shape);
            };
            add(WeightRole::expert_gate, 1, {f, d});
            add(WeightRole::expert_down, 2, {d, f});
            add(WeightRole::expert_up, 3, {f, d});
        }
    }
    add_ends(map, c);
    return map;
}

// model.layers.l.mlp.experts.gate_up_proj [E,2F,D], .down_proj [E,D,F], as transformers 5 saves.
WeightMap fused(ModelConfig const& c) {
    WeightMap map("fused");
    std::int64_t const d = c.hidden_size, f = c.intermediate_size;
    std::vector<std::int64_t> const gate_up = {c.num_experts, 2 * f, d}, down = {c.num_experts, d, f};
    for (std::int64_t layer = 0; layer < c.num_layers; ++layer) {
        add_attention(map, c, layer);
        map.add({WeightRole::router, layer}, layer_tensor(layer, "mlp.gate.weight"), {c.num_experts, d});
        for (std::int64_t expert = 0; expert < c.num_experts; ++expert) {
            auto const first = static_cast<std::uint64_t>(2 * expert * f * d);  // the gate's rows come first
            auto const half = static_cast<std::uint64_t>(f * d);
            std::string const name = layer_tensor(layer, "mlp.experts.gate_up_proj");
            map.add({WeightRole::expert_gate, layer, expert}, {name, gate_up, first, {f, d}});
            map.add({WeightRole::expert_down, layer, expert},
                    {layer_tensor(layer, "mlp.experts.down_proj"), down, first / 2, {d, f}});
            map.add({WeightRole::expert_up, layer, expert}, {name, gate_up, first + half, {f, d}});
        }
    }
    add_ends(map, c);
    return map;
}

constexpr Spelling spellings[] = {
    {hub, [](ModelConfig const&) { return layer_tensor(0, "block_sparse_moe.gate.weight"); }},
    {fused, [](ModelConfig const&) { return layer_tensor(0, "mlp.gate.weight"); }},
};

}  // namespace

Family const mixtral = {"mixtral", "Mixtral", false, read_config, spellings};

}  // namespace gatesweep
