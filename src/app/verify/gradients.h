// Gate gradients against central finite differences of the loss, in float64.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "check.h"
#include "gatesweep/model/decoder.h"
#include "routing.h"

namespace gatesweep {

// d loss / d gate_weight[layer][expert, column].
struct GateEntry {
    std::int64_t layer = 0, expert = 0, column = 0;
};

// The gate gradients of one prompt, and the routing that they belong to, by layer.
struct GateGradients {
    std::vector<std::vector<double>> layers;  // [E,D] row-major
    std::vector<Routing> routings;
    double loss = 0;
};

// Collective over the model's expert-parallel group, as examine_routing; a helper's result is empty.
GateGradients gate_gradients(Decoder const& model, std::vector<std::int32_t> const& prompt, Part part);

// Entries of every layer in turn: by turns the largest ones and random ones.
std::vector<GateEntry> choose_entries(GateGradients const& gradients, std::int64_t hidden_size,
                                      std::int64_t num_entries);

// (loss(w + h) - loss(w - h)) / 2h of each entry; nothing where a token chose another expert on the way, since the loss
// is not smooth there. Collective; every rank of the group gives the same entries. Gate weights are as before
// afterwards.
std::vector<std::optional<double>> finite_differences(Decoder const& model, std::vector<std::int32_t> const& prompt,
                                                      Part part, std::vector<GateEntry> const& entries);

struct GradientAgreement {
    std::int64_t compared = 0;
    std::int64_t skipped = 0;  // entries where the routing changed
    double worst = 0;          // largest difference, relative to the largest entry of its layer
};
GradientAgreement agreement(GateGradients const& gradients, std::int64_t hidden_size,
                            std::vector<GateEntry> const& entries,
                            std::vector<std::optional<double>> const& differences);

// How far the signals of one prompt, computed in the job's type, are from float64: a number, not a check.
Check rounding_note(Signals const& signals, std::int64_t prompt, GateGradients const& exact, ModelConfig const& config,
                    std::string const& dtype);

Check gradient_check(GradientAgreement const& agreement, std::int64_t num_tokens);

}  // namespace gatesweep
