// gpt-oss: sinks and alternating windows in attention, experts with biases and a gate with limits, stored in MXFP4 or
// plain.
#include "gpt_oss.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "gatesweep/ops/rotary.h"
#include "model/mxfp4.h"

namespace gatesweep {
namespace {

using nlohmann::json;

constexpr std::int64_t default_window = 128;
constexpr RopeType own_ropes[] = {RopeType::plain, RopeType::yarn};

// The first layer has a window, the second none, and so on, unless layer_types says otherwise.
void read_windows(ConfigFields const& fields, ModelConfig& config) {
    json const* const types = fields.find("layer_types");
    if (types != nullptr && (!types->is_array() || std::ssize(*types) != config.num_layers))
        fields.wrong("layer_types", *types, fmt::format("a list of {} words, one a layer", config.num_layers));
    for (std::int64_t l = 0; l < config.num_layers; ++l) {
        std::string const type = types       ? fields.text((*types)[static_cast<std::size_t>(l)], "layer_types")
                                 : l % 2 > 0 ? "full_attention"
                                             : "sliding_attention";
        if (type == "full_attention") {
            config.full_layers.push_back(l);
        } else if (type != "sliding_attention") {
            fields.wrong("layer_types", (*types)[static_cast<std::size_t>(l)],
                         "\"sliding_attention\" or \"full_attention\" (what gatesweep computes)");
        }
    }
    bool const has_windows = std::ssize(config.full_layers) < config.num_layers;
    if (has_windows && fields.contains("sliding_window") && fields.find("sliding_window") == nullptr)
        fields.wrong("sliding_window", json(), "a number of tokens, since layers have windows");
    config.sliding_window = default_window;
    read_window(fields, config);
}

RopeScaling default_rope() {
    RopeScaling rope{.type = RopeType::yarn, .factor = 32.0, .original_positions = 4096};
    rope.magnitude = yarn_magnitude(rope.factor, 1.0);
    rope.truncate = false;
    return rope;
}

void read_gate(ConfigFields const& fields, ModelConfig& config) {
    auto const number = [&](char const* key, double absent) {
        json const* const value = fields.find(key);
        return value == nullptr ? absent : fields.real(*value, key, std::numeric_limits<float>::min(), 1e6);
    };
    config.gate = {number("swiglu_limit", 7.0), number("swiglu_alpha", 1.702)};
}

void read_config(ConfigFields const& fields, ModelConfig& config) {
    config.router.choice = RouterRule::Choice::top_k_softmax;
    config.router.has_bias = true;
    read_expert_counts(fields, config);
    config.heads.has_bias = config.heads.has_output_bias = fields.flag_or("attention_bias", true);
    config.heads.has_sinks = true;
    config.has_expert_bias = true;
    read_windows(fields, config);
    read_gate(fields, config);
    config.rope_theta = 1.5e5;
    if (fields.find("rope_parameters") == nullptr && fields.find("rope_scaling") == nullptr)
        config.rope_scaling = default_rope();
    config.eos_token_ids.clear();
    if (!config.mxfp4_experts) return;
    if (config.stored_dtype.empty()) config.stored_dtype = "bfloat16";  // of what is not packed
    for (auto const& [key, size] :
         {std::pair{"hidden_size", config.hidden_size}, {"intermediate_size", config.intermediate_size}}) {
        if (size % mxfp4::block_values != 0)
            fields.wrong(key, json(size), fmt::format("a multiple of {} (a block of MXFP4)", mxfp4::block_values));
    }
}

// The matrix [rows, columns] of one expert, in a tensor of all: packed blocks of rows, or [E, columns, rows].
StoredWeight expert_matrix(ModelConfig const& c, std::int64_t expert, std::string const& tensor, std::int64_t rows,
                           std::int64_t columns) {
    auto const first = static_cast<std::uint64_t>(expert * rows * columns);
    if (!c.mxfp4_experts) return {tensor, {c.num_experts, columns, rows}, first, {rows, columns}, Storing::columns, {}};
    return {tensor + "_blocks",
            {c.num_experts, rows, columns / mxfp4::block_values, mxfp4::block_bytes},
            first,
            {rows, columns},
            Storing::mxfp4,
            tensor + "_scales"};
}

StoredWeight expert_vector(ModelConfig const& c, std::int64_t expert, std::string const& tensor, std::int64_t size) {
    return {tensor, {c.num_experts, size}, static_cast<std::uint64_t>(expert * size), {size}, Storing::rows, {}};
}

WeightMap names(ModelConfig const& c) {
    WeightMap map(c.mxfp4_experts ? "mxfp4" : "fused");
    std::int64_t const d = c.hidden_size, f = c.intermediate_size;
    for (std::int64_t layer = 0; layer < c.num_layers; ++layer) {
        add_attention(map, c, layer);
        map.add({WeightRole::router, layer}, layer_tensor(layer, "mlp.router.weight"), {c.num_experts, d});
        map.add({WeightRole::router_bias, layer}, layer_tensor(layer, "mlp.router.bias"), {c.num_experts});
        std::string const gate_up = layer_tensor(layer, "mlp.experts.gate_up_proj"),
                          down = layer_tensor(layer, "mlp.experts.down_proj");
        for (std::int64_t e = 0; e < c.num_experts; ++e) {
            map.add({WeightRole::expert_gate_up, layer, e}, expert_matrix(c, e, gate_up, 2 * f, d));
            map.add({WeightRole::expert_gate_up_bias, layer, e}, expert_vector(c, e, gate_up + "_bias", 2 * f));
            map.add({WeightRole::expert_down, layer, e}, expert_matrix(c, e, down, d, f));
            map.add({WeightRole::expert_down_bias, layer, e}, expert_vector(c, e, down + "_bias", d));
        }
    }
    add_ends(map, c);
    return map;
}

constexpr Spelling spellings[] = {
    {names, [](ModelConfig const&) { return layer_tensor(0, "mlp.router.weight"); }},
};

}  // namespace

Family const gpt_oss = {"gpt_oss", "gpt-oss", false, 8, read_config, spellings, {own_ropes}, 64, true};

}  // namespace gatesweep
