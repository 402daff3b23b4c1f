// Private to harden: what a checkpoint of an arm holds.
#pragma once

#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "gatesweep/harden/adamw.h"
#include "gatesweep/harden/trainer.h"

namespace gatesweep {

struct TrainingState {
    Adapter adapter;
    AdamWState optimiser;
    std::vector<StepRecord> steps;
    double best_loss = std::numeric_limits<double>::infinity();
    std::int64_t best_step = 0, looks_without_gain = 0;
    std::optional<Adapter> best;  // where an arm may stop early
    bool is_done = false;
};

// Written whole or not at all.
void keep_state(std::filesystem::path const& file, std::string const& identity, TrainingState const& state);
// Takes over what the file holds of an arm whose matrices have the shapes of `state`. Nothing, with a warning where a
// file is there: it is damaged, or of another identity.
bool recall_state(std::filesystem::path const& file, std::string const& identity, TrainingState& state);

std::string state_bytes(TrainingState const& state);
void read_state(std::string const& bytes, TrainingState& state);

}  // namespace gatesweep
