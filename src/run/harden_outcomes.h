// From what models answered and routed to the outcome of an arm. Pure, on the final rank.
#pragma once

#include <string>
#include <vector>

#include "gatesweep/analysis/routing_divergence.h"
#include "gatesweep/harden/gates.h"
#include "gatesweep/run/inputs.h"
#include "harden_evaluation.h"

namespace gatesweep {

struct OutcomeInput {
    Inputs const& inputs;
    ModelConfig const& config;
    HeldOutRows const& rows;
    std::vector<ExpertId> const& suppressed;
    std::vector<CountedSpan> const& texts;  // of rows.all(), with the base model's replies
    Evaluation const& base;
};

ArmOutcome base_outcome(OutcomeInput const& input);
ArmOutcome arm_outcome(OutcomeInput const& input, std::string const& arm, Evaluation const& evaluation,
                       bool router_identical);

}  // namespace gatesweep
