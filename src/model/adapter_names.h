// Private to model: what PEFT calls the matrices that an adapter may change.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gatesweep/model/adapter.h"
#include "gatesweep/model/model_config.h"
#include "gatesweep/model/weight_map.h"

namespace gatesweep {

// What stands before the name of a module, and the two halves behind it.
inline constexpr std::string_view adapter_prefix = "base_model.model.";
inline constexpr std::string_view adapter_suffix_a = ".lora_A.weight", adapter_suffix_b = ".lora_B.weight";

// Rows or columns of a matrix that belong together: `first`, then every `step`-th.
struct Stride {
    std::int64_t first = 0, step = 1;
};

class AdapterNames {
public:
    explicit AdapterNames(ModelConfig const& config);

    // Every matrix that can be adapted, and its shape [out, in].
    std::map<AdapterPlace, std::vector<std::int64_t>> const& shapes() const { return shapes_; }
    // "model.layers.3.block_sparse_moe.experts.5.w1", "model.layers.0.self_attn.q_proj"; one that has such a name.
    std::string const& of(AdapterPlace const& place) const { return names_.at(place); }
    // Whether the family's experts have names of their own somewhere.
    bool names_experts() const { return names_experts_; }
    // The place of such a name; null for any other.
    AdapterPlace const* find(std::string const& name) const;

    // Layers whose experts stand together, and what they are called there: "model.layers.3.mlp.experts".
    std::string fused(std::int64_t layer) const;
    // The layer of such a name, else -1.
    std::int64_t fused_layer(std::string const& name) const;
    // Where the rows of w1 and w3 stand in the tensor gate_up_proj of transformers.
    Stride gate_rows() const;
    Stride up_rows() const;
    // Whether a layer's tensors are [E, in, out] there; PEFT before 0.19 took all for that.
    bool is_transposed() const { return in_turn_; }

    // What part of the model a name belongs to that cannot be adapted: "the router"; empty for a name of none.
    std::string part_of(std::string const& name) const;

private:
    ModelConfig const& config_;
    bool names_experts_ = false;
    bool in_turn_ = false;  // rows of gate and up
    std::map<AdapterPlace, std::vector<std::int64_t>> shapes_;
    std::map<AdapterPlace, std::string> names_;
    std::map<std::string, AdapterPlace> places_;
    std::map<std::string, std::string> other_parts_;
};

}  // namespace gatesweep
