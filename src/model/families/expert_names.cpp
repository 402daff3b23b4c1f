#include "expert_names.h"

namespace gatesweep {
namespace {

// The network of width s that every token goes to.
void add_shared(WeightMap& map, ModelConfig const& c, std::int64_t layer, std::string_view block, std::int64_t s) {
    auto const add = [&](WeightRole role, std::string_view name, std::vector<std::int64_t> const& shape) {
        map.add({role, layer}, layer_tensor(layer, fmt::format("{}.{}.weight", block, name)), shape);
    };
    add(WeightRole::shared_gate, "gate_proj", {s, c.hidden_size});
    add(WeightRole::shared_down, "down_proj", {c.hidden_size, s});
    add(WeightRole::shared_up, "up_proj", {s, c.hidden_size});
}

template <class AddExpert>
WeightMap map_of(ModelConfig const& c, std::string_view spelling, std::string_view block, BesideExperts const& names,
                 AddExpert const& add_expert) {
    WeightMap map(spelling);
    for (std::int64_t layer = 0; layer < c.num_layers; ++layer) {
        add_attention(map, c, layer);
        if (c.is_dense(layer)) {
            add_shared(map, c, layer, block, c.dense_size);
            continue;
        }
        map.add({WeightRole::router, layer}, layer_tensor(layer, fmt::format("{}.{}.weight", block, names.router)),
                {c.num_experts, c.hidden_size});
        for (std::int64_t expert = 0; expert < c.num_experts; ++expert)
            add_expert(map, layer, expert);
        if (c.shared_size == 0) continue;
        add_shared(map, c, layer, fmt::format("{}.{}", block, names.shared), c.shared_size);
        if (!c.weighs_shared) continue;
        map.add({WeightRole::shared_weight, layer},
                layer_tensor(layer, fmt::format("{}.shared_expert_gate.weight", block)), {1, c.hidden_size});
    }
    add_ends(map, c);
    return map;
}

}  // namespace

WeightMap expert_by_expert(ModelConfig const& c, ExpertNames const& names) {
    std::int64_t const d = c.hidden_size, f = c.intermediate_size;
    return map_of(c, "hub", names.block, names.beside, [&](WeightMap& map, std::int64_t layer, std::int64_t expert) {
        auto const add = [&](WeightRole role, std::string_view name, std::vector<std::int64_t> const& shape) {
            map.add({role, layer, expert},
                    layer_tensor(layer, fmt::format("{}.experts.{}.{}.weight", names.block, expert, name)), shape);
        };
        add(WeightRole::expert_gate, names.gate, {f, d});
        add(WeightRole::expert_down, names.down, {d, f});
        add(WeightRole::expert_up, names.up, {f, d});
    });
}

WeightMap fused_experts(ModelConfig const& c, BesideExperts const& names) {
    std::int64_t const d = c.hidden_size, f = c.intermediate_size;
    std::vector<std::int64_t> const gate_up = {c.num_experts, 2 * f, d}, down = {c.num_experts, d, f};
    return map_of(c, "fused", "mlp", names, [&](WeightMap& map, std::int64_t layer, std::int64_t expert) {
        auto const first = static_cast<std::uint64_t>(2 * expert * f * d);  // the gate's rows come first
        auto const half = static_cast<std::uint64_t>(f * d);
        std::string const name = layer_tensor(layer, "mlp.experts.gate_up_proj");
        map.add({WeightRole::expert_gate, layer, expert}, {name, gate_up, first, {f, d}});
        map.add({WeightRole::expert_down, layer, expert},
                {layer_tensor(layer, "mlp.experts.down_proj"), down, first / 2, {d, f}});
        map.add({WeightRole::expert_up, layer, expert}, {name, gate_up, first + half, {f, d}});
    });
}

}  // namespace gatesweep
