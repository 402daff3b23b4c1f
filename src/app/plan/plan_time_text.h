// What `plan` says of times, as lines for the terminal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "cluster.h"
#include "gatesweep/model/model_config.h"
#include "plan_memory.h"
#include "plan_sweep.h"
#include "plan_time.h"

namespace gatesweep {

// Lines for the terminal.
std::string duration_text(double seconds);

std::string cluster_text(std::filesystem::path const& file, Cluster const& cluster);

std::string time_table(TimePlan const& plan);

// Whether weights, the least activations and the keys and values of one sequence fit into a rank's memory.
std::string fit_text(Cluster const& cluster, RankMemory const& memory, std::int64_t slots);

}  // namespace gatesweep
