// Pairs as a run stores them: arrays/pair_counts.npy and tables/pairs.csv, row by row the same pairs.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "gatesweep/base/nd_array.h"

namespace gatesweep {

struct PairInput {
    std::vector<std::string> names;                    // [pairs] of the [[pairs]] that each belongs to
    std::vector<std::array<std::int64_t, 2>> counted;  // [pairs] tokens that count on each side
    NdArray<std::int64_t> counts;                      // [pairs, 2, L, E] of these, those that chose the expert

    bool is_empty() const { return names.empty(); }
};

// The rows of one [[pairs]].
struct PairRowsOf {
    std::string name;
    std::vector<std::int64_t> rows;
};
std::vector<PairRowsOf> rows_by_name(PairInput const& pairs);  // in the order of the job

// Empty where the folder of a run holds no pairs. Errors: bad_data for files that do not belong together.
PairInput read_pair_input(std::filesystem::path const& folder);

}  // namespace gatesweep
