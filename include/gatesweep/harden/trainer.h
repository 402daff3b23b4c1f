// The training of one arm: steps, looks at the validation texts, checkpoints to go on from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gatesweep/base/stop_request.h"
#include "gatesweep/harden/step_gradient.h"
#include "gatesweep/input/harden_spec.h"

namespace gatesweep {

// The texts of both kinds, and those of them that are kept for validation.
struct TrainingSet {
    std::vector<TrainingText> refusals, others, validation;
};
// Every n-th text of each kind is kept, from the end of the first n, so that their share is spec.validation.
TrainingSet split_texts(std::vector<TrainingText> refusals, std::vector<TrainingText> others, HardenSpec const& spec);

// The texts of a step, as the seed orders them anew in each round over them; half of them refusals, where the loss
// looks at others.
std::vector<TrainingText> texts_of_step(TrainingSet const& set, HardenSpec const& spec, std::int64_t step);

struct StepRecord {
    std::int64_t step = 0;  // from 1
    double loss = 0.0, refusal_loss = 0.0, kl = 0.0, drift = 0.0, grad_norm = 0.0, learning_rate = 0.0;
    std::int64_t tokens = 0;
    std::optional<double> validation_loss;
};

struct TrainedArm {
    Adapter adapter;
    std::vector<StepRecord> steps;
    std::int64_t best_step = 0;  // whose adapter it is
};

struct TrainingRequest {
    HardenSpec const& spec;
    TrainingSet const& set;
    TapePolicy policy = TapePolicy::keep;
    // Where the arm's state is kept between starts; `identity` says what it belongs to, and a file of another is not
    // used. Final rank.
    std::filesystem::path checkpoint;
    std::string identity;
    std::function<void(StepRecord const&)> progress;
    std::function<StopRequest()> stop = {};  // empty: never
};

// Trains `adapter` on from its checkpoint, or from the start. Collective; every rank gets the same result, and on the
// CPU the same bytes for any layout and however often it was stopped. Errors: ExitCode::stopped, on every rank, when
// any was told to stop with steps left, after the state was kept; those of step_gradient.
TrainedArm train_arm(Decoder& model, ParallelLayout const& layout, Adapter adapter, TrainingRequest const& request);

}  // namespace gatesweep
