// The checks of `gatesweep verify`, in the order of the table.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "check.h"
#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/model_config.h"
#include "gatesweep/run/machine.h"

namespace gatesweep {

struct VerifyInput {
    std::filesystem::path model_folder;
    ModelConfig const& config;
    ParallelLayout const& layout;
    Machine const& machine;
    std::vector<std::vector<std::int32_t>> prompts;  // the sample
    std::int64_t batch_tokens = 8192;
    std::int64_t num_entries = 64;              // gate weights to move
    std::filesystem::path adapter_folder = {};  // empty: none
};

// Collective over the world. `show` is called on every rank for each check as soon as it is known.
void verify_numbers(VerifyInput const& input, std::function<void(Check const&)> const& show);

}  // namespace gatesweep
