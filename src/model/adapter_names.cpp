#include "adapter_names.h"

#include <optional>

#include "families/family.h"

namespace gatesweep {
namespace {

std::optional<AdaptedMatrix> matrix_of(WeightRole role) {
    switch (role) {
        case WeightRole::expert_gate:
            return AdaptedMatrix::w1;
        case WeightRole::expert_up:
            return AdaptedMatrix::w3;
        case WeightRole::expert_down:
            return AdaptedMatrix::w2;
        case WeightRole::q_proj:
            return AdaptedMatrix::q_proj;
        case WeightRole::k_proj:
            return AdaptedMatrix::k_proj;
        case WeightRole::v_proj:
            return AdaptedMatrix::v_proj;
        case WeightRole::o_proj:
            return AdaptedMatrix::o_proj;
        default:
            return std::nullopt;
    }
}

// Of the parts that cannot be adapted.
std::string words_for(WeightRole role) {
    switch (role) {
        case WeightRole::router:
        case WeightRole::router_bias:
            return "the router, whose choices are what is measured";
        case WeightRole::embedding:
            return "the embedding";
        case WeightRole::lm_head:
        case WeightRole::lm_head_bias:
            return "the output head";
        case WeightRole::shared_gate:
        case WeightRole::shared_down:
        case WeightRole::shared_up:
        case WeightRole::shared_weight:
            return "a network that every token goes to";
        case WeightRole::latent_q:
        case WeightRole::latent_kv:
        case WeightRole::expand_q:
        case WeightRole::expand_kv:
            return "the products of latent attention";
        default:
            return "norms, biases or sinks";
    }
}

// "x.w1.weight" -> "x.w1"
std::string module_of(std::string const& tensor) {
    auto const dot = tensor.rfind('.');
    return tensor.ends_with(".weight") || tensor.ends_with(".bias") ? tensor.substr(0, dot) : tensor;
}

}  // namespace

AdapterNames::AdapterNames(ModelConfig const& config) : config_(config) {
    std::int64_t const d = config.hidden_size, f = config.intermediate_size;
    for (Spelling const& spelling : family_of(config.family).spellings) {
        WeightMap const map = spelling.map(config);
        for (auto const& [place, stored] : map.weights()) {
            if (place.role == WeightRole::expert_gate_up) {  // experts that never have names of their own
                in_turn_ = true;
                shapes_[{place.layer, place.expert, AdaptedMatrix::w1}] = {f, d};
                shapes_[{place.layer, place.expert, AdaptedMatrix::w3}] = {f, d};
                continue;
            }
            auto const matrix = matrix_of(place.role);
            if (!matrix) {
                other_parts_.emplace(module_of(stored.tensor), words_for(place.role));
                continue;
            }
            AdapterPlace const adapted{place.layer, place.expert, *matrix};
            shapes_[adapted] = stored.shape;
            if (stored.tensor_shape != stored.shape) continue;  // one of many in its tensor
            names_experts_ |= place.expert >= 0;
            names_.emplace(adapted, module_of(stored.tensor));
            places_.emplace(module_of(stored.tensor), adapted);
        }
    }
}

AdapterPlace const* AdapterNames::find(std::string const& name) const {
    auto const found = places_.find(name);
    return found == places_.end() ? nullptr : &found->second;
}

std::string AdapterNames::fused(std::int64_t layer) const {
    return layer_tensor(layer, "mlp.experts");
}

std::int64_t AdapterNames::fused_layer(std::string const& name) const {
    for (std::int64_t const layer : config_.sparse_layers()) {
        if (name == fused(layer)) return layer;
    }
    return -1;
}

Stride AdapterNames::gate_rows() const {
    return in_turn_ ? Stride{0, 2} : Stride{0, 1};
}

Stride AdapterNames::up_rows() const {
    return in_turn_ ? Stride{1, 2} : Stride{config_.intermediate_size, 1};
}

std::string AdapterNames::part_of(std::string const& name) const {
    auto const found = other_parts_.find(name);
    return found == other_parts_.end() ? "" : found->second;
}

}  // namespace gatesweep
