// How long the phases of a run took.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatesweep/store/run_directory.h"

namespace gatesweep {

constexpr char const* timings_name = "timings.csv";

struct PhaseTiming {
    std::string phase;  // load | signals | analysis | sweep_prefill | sweep_decode | report
    double seconds = 0.0;
    std::int64_t num_tokens = 0;  // 0: the phase handles none, and both token columns are empty
};
// timings.csv, beside the tables: not the same twice, so not among the digested files.
void write_timings(std::vector<PhaseTiming> const& timings, RunDirectory& run);

}  // namespace gatesweep
