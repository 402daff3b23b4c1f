// Whether the weights fit into memory, and if not, whether layers can be streamed from disk instead.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/input/job.h"
#include "gatesweep/model/model_config.h"
#include "gatesweep/run/machine.h"
#include "gatesweep/signal/batch_plan.h"

namespace gatesweep {

struct Streaming {
    bool enabled = false;
    std::uint64_t weight_memory = 0;      // bytes of this rank's device for the layers at hand
    std::uint64_t activation_memory = 0;  // bytes of host memory for layer inputs, the same on every rank
};

// Collective. Errors: unavailable when neither the weights nor, where the job allows it, a few layers fit into what is
// free (the system would end the program without a word), with what would fit.
Streaming choose_streaming(Job const& job, ModelConfig const& config, ParallelLayout const& layout,
                           Machine const& machine);

// What would make the whole weights fit, for a message.
std::string ways_to_fit(ModelConfig const& config, Machine const& machine);

// How often the layers are read forth and back for all prompts of the plan, with so much memory for layer inputs.
std::int64_t num_stream_chunks(ModelConfig const& config, BatchPlan const& plan,
                               std::vector<std::int64_t> const& prompt_tokens, int num_copies, int ep_size,
                               at::ScalarType dtype, std::uint64_t activation_memory);
// What a rank then reads, going by the type that config.json names.
std::uint64_t streamed_bytes(ModelConfig const& config, int ep_size, std::int64_t num_chunks);
// "each rank reads about 560.4 GB from disk, for 3 chunks of prompts".
std::string streaming_text(std::uint64_t bytes, std::int64_t num_chunks);

}  // namespace gatesweep
