// What a trial does to the model: its identity, its limits, its words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

struct RouterShape {
    std::int64_t num_layers = 0;  // with a router
    std::int64_t num_experts = 0;
    std::int64_t top_k = 0;
    MoeLayers moe_layers = {};
};

// "mask|both|7:5=1;12:1=1": equal for trials that do the same, different for all others. Edits by layer, then expert.
std::string trial_content(EditMode mode, EditScope scope, std::span<ExpertEdit const> edits);
// "t" and the first 12 hexadecimal digits of its SHA-256.
std::string trial_id(std::string const& content);

// The trials of a plan so far, by what they do.
class KnownTrials {
public:
    struct Place {
        std::size_t index = 0;  // of the trial that does the same
        bool is_new = false;
    };
    // Gives the trial its id; a new one is remembered as number `next_index` of the plan.
    Place add(Trial& trial, std::size_t next_index);

private:
    struct Known {
        std::string content;
        std::size_t index = 0;
    };
    std::map<std::string, Known> by_id_;
};

// Why the routers cannot take the edits, naming the layer; empty when they can.
//   mask, steer  experts that are not suppressed: at least top_k in every layer, at least 1 with allow_fewer
//   steer        experts activated: at most top_k in a layer
std::string refusal(EditMode mode, std::span<ExpertEdit const> edits, RouterShape const& shape, bool allow_fewer);

// ", bias -2, decode": what distinguishes the trial from masking always; empty for that.
std::string manner(EditMode mode, std::optional<double> dose, EditScope scope);

}  // namespace gatesweep
