// What [harden] asks for that only the model's shape and the prompts can refuse, and how much of it there is.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/model/model_config.h"
#include "gatesweep/run/inputs.h"

namespace gatesweep {

// Experts whose suppression is tried: those of the job, else so many of the provider's first.
std::int64_t num_suppressed(HardenSpec const& spec);

// Those that can be masked together, in order: of a layer no more than leave every token its top-k.
std::vector<ExpertId> maskable(std::span<ExpertId const> in_order, ModelConfig const& config);

// In the first second, not after hours. Errors: job for experts, budgets, numbers of tokens and labels that the model
// cannot take; those of reading what labels replies.
void check_harden(Inputs const& inputs, ModelConfig const& config);

}  // namespace gatesweep
