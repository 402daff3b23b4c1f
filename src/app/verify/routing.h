// Properties that routing and gate gradients must have whatever the weights are, looked at one prompt at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "check.h"
#include "gatesweep/model/decoder.h"
#include "signals.h"

namespace gatesweep {

struct RoutingExamination {
    std::int64_t num_choices = 0;     // tokens x layers
    std::int64_t wrong_choices = 0;   // that are not top-k different experts
    double imbalance = 0;             // worst |sum over experts of a gate gradient| over what rounding may leave
    std::int64_t near_ties = 0;       // choices whose k-th and next probability are closer than `near_tie`
    std::int64_t prefix_choices = 0;  // made again for the first half of every prompt alone
    std::int64_t prefix_moved = 0;    // of them, choices of other experts
    std::int64_t prefix_unequal = 0;  // of them, choices with other routing weights
};

inline constexpr double near_tie = 1e-4;

// What a rank of an expert-parallel group does while one of them looks.
enum class Part { examiner, helper };

// Collective over the model's expert-parallel group; the examiner's result counts.
RoutingExamination examine_routing(Decoder const& model, std::vector<std::vector<std::int32_t>> const& prompts,
                                   Part part);

// Adds what the choices of a layer show.
void examine_choices(RoutingExamination& result, Routing const& routing);

// Compares the choices for a prompt's first tokens: in the whole prompt, and alone.
void examine_prefix(RoutingExamination& result, Routing const& whole, Routing const& prefix);

std::vector<Check> routing_checks(RoutingExamination const& result, SignalsDifference const& allowed);

}  // namespace gatesweep
