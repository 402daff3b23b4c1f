// What each score provider of the job says of every expert, and how sure it is. A function of what was measured.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatesweep/analysis/score_maps.h"
#include "gatesweep/base/nd_array.h"

namespace gatesweep {

struct AnalysisInput;

// One provider. Experts in the order of the maps: row of L x E + expert.
struct ProviderScores {
    std::string name;                // its word in the job
    std::string positive;            // what a score above 0 says of the expert
    ScoreMap scores;                 // [L, E]
    NdArray<double> resampled;       // [B, L, E] the scores of resampled prompts or pairs; without rows: no intervals
    std::vector<double> importance;  // [L * E] what the expert matters: |score| where the provider says nothing else

    bool has_intervals() const { return !resampled.values.empty(); }
    std::vector<double> low, high;  // [L * E] of the resampled scores, 95 %; empty without them
    // [L * E] experts by the provider's own order; where it has none, by descending |score|, equal ones by layer, then
    // expert.
    std::vector<std::int64_t> order;
    std::vector<std::int64_t> rank;  // [L * E] place of each in `order`, from 1
};

// In the order of input.scores.providers. Errors: bad_data for a measure that the run does not have, ExitCode::job for
// a word that names no provider.
std::vector<ProviderScores> provider_scores(AnalysisInput const& input);

// Fills intervals, order and rank in from scores and resampled scores, order and importance where there are none.
ProviderScores completed(ProviderScores scores);
// Experts by descending |score|, equal ones as they stand.
std::vector<std::int64_t> order_by_magnitude(std::span<double const> scores);

}  // namespace gatesweep
