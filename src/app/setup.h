// What every command on a job begins with: inputs, ranks, machine.
#pragma once

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/input/checkpoint.h"
#include "gatesweep/model/mixtral.h"
#include "gatesweep/model/model_config.h"
#include "inputs.h"
#include "machine.h"
#include "options.h"

namespace gatesweep {

struct Setup {
    Inputs inputs;
    ModelConfig config;
    ParallelLayout layout;
    Machine machine;
};

// Collective. Says the first line of the terminal's story.
Setup set_up(Options const& options, Communicator const& world);

// Errors: bad_data for a model without experts, ExitCode::job for experts that the degree cannot split.
void validate_model(Job const& job, ModelConfig const& config);

// "1 rank", "2 ranks".
std::string plural(std::int64_t count, std::string_view what);

}  // namespace gatesweep
