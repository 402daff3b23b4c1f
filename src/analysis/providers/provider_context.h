// What a provider's formula is made of: the measurements, and which rows of them count how often.
#pragma once

#include <functional>
#include <vector>

#include "gatesweep/analysis/analysis.h"
#include "gatesweep/analysis/bootstrap.h"
#include "gatesweep/analysis/provider_scores.h"

namespace gatesweep {

// The prompts as they are, or one resample of them: the two groups that are compared, each for itself.
struct Draw {
    DrawnRows benign, malicious;
};

struct ProviderContext {
    AnalysisInput const& input;
    Draw measured;                // every prompt of the two groups once
    std::vector<Draw> resamples;  // [B], the same for all providers

    std::size_t num_experts() const;                     // of all layers
    NdArray<double> const& measure(Measure kind) const;  // Errors: bad_data where the run does not have it
};
ProviderContext provider_context(AnalysisInput const& input);

// A formula: from rows with their numbers of times to the score of every expert.
using Formula = std::function<std::vector<double>(Draw const&)>;
// The formula of what was measured, and of every resample.
ProviderScores scores_of(ProviderContext const& context, Formula const& formula);

// Sums over the drawn rows of maps [P, L, E], in their order; and means, each row with the same weight.
std::vector<double> sum_of(NdArray<double> const& maps, DrawnRows const& rows);
std::vector<double> sum_of(NdArray<std::int64_t> const& maps, DrawnRows const& rows);
std::vector<double> mean_of(NdArray<double> const& maps, DrawnRows const& rows);
// The malicious group's minus the benign group's.
std::vector<double> difference(std::vector<double> malicious, std::vector<double> const& benign);

}  // namespace gatesweep
