// The bootstrap (B. Efron, Ann. Stat. 7:1, 1979): how much a number would vary with other prompts. Resamples follow
// from a fixed seed, so that every run of the same measurements gives the same intervals, whatever its ranks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/analysis/statistics.h"

namespace gatesweep {

// An estimate with its 95 % bootstrap interval; NaN where there is none.
struct Estimate {
    double value = 0.0;
    Interval interval;
};

// One row of what was measured, and how often it was drawn: 0 never stands here.
struct DrawnRow {
    std::int64_t row = 0;
    double times = 1.0;
};
using DrawnRows = std::vector<DrawnRow>;  // rows ascending

// Every row once: what was measured as it is.
DrawnRows all_rows(std::span<std::int64_t const> rows);
// `count` resamples of as many rows as there are, with repetition. `stream` tells apart what is drawn independently.
std::vector<DrawnRows> resampled_rows(std::span<std::int64_t const> rows, std::int64_t count, std::uint64_t stream);

// The 2.5 and 97.5 percentiles, between neighbours by linear interpolation; NaNs are left out. NaN both where fewer
// than two numbers are left.
Interval percentile_interval(std::vector<double> values);

}  // namespace gatesweep
