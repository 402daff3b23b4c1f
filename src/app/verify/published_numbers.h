// Numbers that the tests of Hugging Face transformers state for released checkpoints: known answers for who has one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatesweep/model/model_config.h"

namespace gatesweep {

struct PublishedNumbers {
    std::string_view checkpoint;  // its name on the hub
    std::string_view config;      // the fields of its config.json that tell its shape
    // Logits for these tokens: the mean over the vocabulary at each, and the first ones at the first token.
    std::vector<std::int32_t> token_ids;
    std::vector<double> mean_logits;
    std::vector<double> first_logits;
    // Text and its greedy continuation, prompt included, by at most so many tokens.
    std::string_view prompt;
    std::string_view continued;
    std::int64_t new_tokens = 0;
    std::vector<std::pair<std::string_view, std::vector<std::int32_t>>> encodings;  // texts and their token ids
};

// As the tests allow it: |a - b| <= published_tolerance * (1 + |b|). They ran in float32.
inline constexpr double published_tolerance = 1e-2;

std::span<PublishedNumbers const> published_numbers();
// Their checkpoints, for people: "A and B".
std::string published_names();

// The checkpoint of this shape. A shape does not tell a checkpoint from one that was trained on.
// Error: bad_data, with the names of those that have numbers.
PublishedNumbers const& published_numbers_of(ModelConfig const& config, std::string_view folder);

}  // namespace gatesweep
