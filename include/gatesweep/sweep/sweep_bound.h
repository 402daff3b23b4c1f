// How large a sweep can become, known from the job before anything was measured.
#pragma once

#include <cstdint>

#include "gatesweep/input/job.h"

namespace gatesweep {

struct SweepBound {
    // Of the grid, and sets of the user's own: those of the plan, with automatic sizes at most so many.
    std::int64_t num_cells = 0;
    std::int64_t max_random = 0;                                            // random controls, at most
    std::int64_t max_trials() const { return 1 + num_cells + max_random; }  // with the baseline
};

// Sets that come out equal, classes that are empty and sets that the router refuses only make it less.
// `num_model_experts`: of all layers.
SweepBound sweep_bound(SweepSpec const& sweep, std::int64_t num_model_experts);

}  // namespace gatesweep
