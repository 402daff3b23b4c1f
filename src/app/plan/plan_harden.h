// What hardening a job's model would train, generate and hold.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

#include "cluster.h"
#include "gatesweep/model/model_config.h"
#include "gatesweep/run/inputs.h"
#include "plan_memory.h"
#include "plan_time.h"

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

// Bytes of host memory on the rank that has most.
struct HardenMemory {
    std::uint64_t adapters = 0;    // of all arms, one being trained, its moments and its best copy
    std::uint64_t gradients = 0;   // in float64: the sums, this rank's own, and what travels
    std::uint64_t products = 0;    // the adapter laid out for the products
    std::uint64_t tapes_kept = 0;  // of a part through all layers, and a layer's gradients
    std::uint64_t tapes_recomputed = 0;
    std::uint64_t logits = 0;      // of the rows that are formed at a time, with what the loss makes of them
    std::uint64_t checkpoint = 0;  // copies of the state while it is written
    std::uint64_t file = 0;        // the checkpoint's
    std::uint64_t replies = 0;     // keys and values of the sequences that are decoded at once

    // Without weights: of a step, with its tapes kept or not, of a checkpoint, and of judging.
    std::uint64_t step(bool kept) const {
        return adapters + gradients + products + logits + (kept ? tapes_kept : tapes_recomputed);
    }
    std::uint64_t save() const { return adapters + checkpoint; }
    std::uint64_t judging() const { return adapters + replies; }
};
HardenMemory harden_memory(HardenWork const& work, Inputs const& inputs, ModelConfig const& config,
                           std::int64_t num_ranks, at::ScalarType dtype);

// Seconds of the busiest rank, added to `plan`.
void add_hardening(TimePlan& plan, Cluster const& cluster, ModelConfig const& config, Job const& job,
                   HardenWork const& work, RankMemory const& memory, std::size_t element_size);

// Lines for the terminal.
std::string harden_text(HardenWork const& work, HardenSpec const& spec);
std::string harden_table(HardenMemory const& memory, HardenWork const& work, RankMemory const& signals);

}  // namespace gatesweep
