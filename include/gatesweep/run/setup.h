// What every command on a job begins with: inputs, ranks, machine.
#pragma once

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/input/checkpoint.h"
#include "gatesweep/model/decoder.h"
#include "gatesweep/model/model_config.h"
#include "gatesweep/run/inputs.h"
#include "gatesweep/run/job_request.h"
#include "gatesweep/run/machine.h"

namespace gatesweep {

struct Setup {
    Inputs inputs;
    ModelConfig config;
    ParallelLayout layout;
    Machine machine;
};

// Collective. Says the first line of the terminal's story.
Setup set_up(JobRequest const& request, Communicator const& world);

// Errors: bad_data for a model without experts, ExitCode::job for experts that the degree cannot split.
void validate_model(Job const& job, ModelConfig const& config);

}  // namespace gatesweep
