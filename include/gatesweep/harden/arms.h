// What each arm of the comparison trains, as an adapter that does nothing yet.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/input/harden_spec.h"
#include "gatesweep/model/adapter.h"
#include "gatesweep/model/model_config.h"

namespace gatesweep {

// As many as the spec says, or as its budget holds. Errors: ExitCode::job for more than there are, or a budget below
// one expert.
std::int64_t num_selected(HardenSpec const& spec, ModelConfig const& config);
// So many by a provider's order. Errors: those of num_selected.
std::vector<ExpertId> selected_experts(HardenSpec const& spec, ModelConfig const& config,
                                       std::span<ExpertId const> in_order);

// A is drawn as PEFT draws it (uniform within 1 / sqrt(inputs)), from the seed and the place alone; B is zero. An arm
// that trains other matrices has the rank, of at least 1, with which its parameters come nearest to those of the
// selected experts; alpha / rank is the same in every arm.
Adapter new_adapter(HardenArm arm, HardenSpec const& spec, ModelConfig const& config,
                    std::span<ExpertId const> selected);

// What new_adapter makes of so many selected experts (`random` may find fewer to draw). Errors: those of num_selected.
struct ArmSize {
    std::int64_t rank = 0, num_values = 0;
};
ArmSize arm_size(HardenArm arm, HardenSpec const& spec, ModelConfig const& config);

// Experts whose matrices an adapter changes, ascending.
std::vector<ExpertId> experts_of(Adapter const& adapter);
// Parameters of all experts of the model's layers with routers.
std::int64_t num_expert_parameters(ModelConfig const& config);

}  // namespace gatesweep
