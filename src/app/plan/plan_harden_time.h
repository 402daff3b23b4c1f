// How long hardening would take on a described machine, by the rates of plan_time.h.
#pragma once

#include <cstddef>

#include "cluster.h"
#include "plan_harden.h"
#include "plan_time.h"

namespace gatesweep {

// Seconds of the busiest rank, added to `plan`.
void add_hardening(TimePlan& plan, Cluster const& cluster, ModelConfig const& config, Job const& job,
                   HardenWork const& work, RankMemory const& memory, std::size_t element_size);

}  // namespace gatesweep
