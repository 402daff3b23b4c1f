// What a rank would hold, reckoned from the model's shape alone.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "gatesweep/model/model_config.h"
#include "gatesweep/run/inputs.h"
#include "gatesweep/signal/batch_plan.h"

namespace gatesweep {

struct RankMemory {
    std::uint64_t weights = 0;           // bytes
    std::int64_t batch_tokens = 0;       // the most that a rank works on in one pass of the signals
    std::int64_t sweep_tokens = 0;       // and of the sweep, where every rank fills passes of its own
    std::uint64_t tapes_kept = 0;        // of all layers, for the fast backward pass
    std::uint64_t tapes_recomputed = 0;  // the least: one layer's, and the inputs of the others
    // Where layers are streamed: instead of the three above,
    std::uint64_t streamed_weights = 0;  // two layers and what is read once
    std::uint64_t streamed_inputs = 0;   // of all layers, for each token that waits (host memory)
    std::uint64_t streamed_tape = 0;     // of one layer
    std::uint64_t cache_slot = 0;        // keys and values of one sequence; 0 without a sweep
    std::uint64_t hardening = 0;         // the least beside weights to train and judge; 0 of a job that is not hardened
    std::uint64_t arrays = 0;            // what every rank gathers: counts, scores, losses of all prompts
};
RankMemory rank_memory(Inputs const& inputs, ModelConfig const& config, BatchPlan const& plan, int expert_parallel,
                       at::ScalarType dtype);

}  // namespace gatesweep
