// The smallest config.json, changed as a test likes, and the config of a small model.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "gatesweep/model/model_config.h"

namespace gatesweep {

// Only what has no default.
inline nlohmann::json smallest() {
    return nlohmann::json::parse(R"({"model_type":"mixtral","vocab_size":64,"hidden_size":32,"intermediate_size":16,
        "num_hidden_layers":2,"num_attention_heads":8,"num_local_experts":4,"num_experts_per_tok":2})");
}

inline ModelConfig parse(nlohmann::json const& config) {
    return parse_model_config(config.dump(), "config.json");
}

// `base` with some fields replaced; a field of type discarded is removed.
inline nlohmann::json with(nlohmann::json base, std::vector<std::pair<std::string, nlohmann::json>> const& changes) {
    for (auto const& [key, value] : changes) {
        if (value.is_discarded()) {
            base.erase(key);
        } else {
            base[key] = value;
        }
    }
    return base;
}

inline ModelConfig small_config() {
    return parse(with(smallest(), {{"num_key_value_heads", 2}, {"head_dim", 6}, {"num_local_experts", 3}}));
}

}  // namespace gatesweep
