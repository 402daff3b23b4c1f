// What a model weighs: parameters and bytes, before any of it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gatesweep/model/model_config.h"

namespace gatesweep {

// Elements of each layer's weights on a rank that holds `num_experts` of its experts, and of the largest layer's.
std::vector<std::int64_t> elements_by_layer(ModelConfig const& config, std::int64_t num_experts);
std::int64_t layer_elements(ModelConfig const& config, std::int64_t num_experts);
// Bytes of each layer's weights on disk, where what is not packed has elements of `element_size` bytes.
std::vector<std::int64_t> stored_bytes_by_layer(ModelConfig const& config, std::int64_t num_experts,
                                                std::size_t element_size);

// Elements of the whole model, the embedding counted once where the output head is tied to it.
std::int64_t num_parameters(ModelConfig const& config);

// Elements of one expert of one layer.
std::int64_t expert_elements(ModelConfig const& config);

// Bytes of the weights of a rank that holds `num_experts` experts of every layer, in elements of `element_size` bytes.
std::uint64_t weight_bytes(ModelConfig const& config, std::int64_t num_experts, std::size_t element_size);

// The smallest expert_parallel with which the largest share of the weights fits into `memory` bytes; 0 where none does.
int degree_that_fits(ModelConfig const& config, std::uint64_t memory, std::size_t element_size);

// Multiply-adds that one token costs.
struct TokenProducts {
    std::int64_t attention = 0;  // of a layer: projections, the router and what every token goes to; their mean
    std::int64_t experts = 0;    // of a layer: the chosen ones; where some layers have no router, their mean
    std::int64_t head = 0;       // of the output head
};
TokenProducts token_products(ModelConfig const& config);

}  // namespace gatesweep
