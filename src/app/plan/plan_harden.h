// What hardening a job's model would train, generate and hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatesweep/model/model_config.h"
#include "gatesweep/run/inputs.h"
#include "plan_memory.h"
#include "plan_sweep.h"

namespace gatesweep {

// Tokens are the most there can be: every reply as long as max_new_tokens allows, the longest texts in one step.
struct HardenWork {
    std::int64_t num_arms = 0;
    std::int64_t num_experts = 0;                                       // selected
    std::vector<std::int64_t> arm_values;                               // of each arm's adapter
    std::vector<std::int64_t> arm_ranks;                                // with which it has them
    std::int64_t num_refusals = 0, num_others = 0, num_validation = 0;  // texts
    std::int64_t step_tokens = 0;                                       // of a step's texts
    std::int64_t part_tokens = 0;        // of a step's part, or of one of the validation texts
    std::int64_t part_rows = 0;          // of one kind in a part: tokens whose predictions the loss looks at
    std::int64_t trained_tokens = 0;     // of all steps of all arms
    std::int64_t validation_tokens = 0;  // read at all looks of all arms
    SweepWork base, arm;  // replies to judge the base model, and one arm; texts whose routes are compared
};
HardenWork harden_work(Inputs const& inputs, ModelConfig const& config);

struct HardenMemory;
// Lines for the terminal.
std::string harden_text(HardenWork const& work, HardenSpec const& spec);
std::string harden_table(HardenMemory const& memory, HardenWork const& work, RankMemory const& signals);

}  // namespace gatesweep
