// SteerMoE's score of an expert (arXiv 2509.09660): the share of side 0's tokens that chose it minus the share of side
// 1's, over the tokens of all pairs together.
#pragma once

#include <cstdint>
#include <vector>

#include "gatesweep/analysis/bootstrap.h"
#include "gatesweep/analysis/pair_input.h"
#include "gatesweep/analysis/score_maps.h"
#include "gatesweep/analysis/statistics.h"
#include "gatesweep/store/csv.h"

namespace gatesweep {

struct RiskDifference {
    ExpertId id;                        // by decoder layer
    std::int64_t a1 = 0, a2 = 0;        // tokens of side 0 and 1 that chose it,
    std::int64_t d1 = 0, d2 = 0;        // and that did not
    double rate_1 = 0.0, rate_2 = 0.0;  // a1 / (a1 + d1), a2 / (a2 + d2)
    double difference = 0.0;            // rate_1 - rate_2
    double pair_mean = 0.0;             // mean over pairs of the pair's own difference
    Interval interval;                  // of pair_mean, 95 %: percentiles over resampled pairs
    double log_odds_ratio = 0.0;        // of the tokens together, half a token added to each count
};

// From counts alone, as published tables have them.
RiskDifference risk_difference_of(ExpertId id, std::int64_t a1, std::int64_t a2, std::int64_t d1, std::int64_t d2);

// By |difference|, the largest first, equal ones by layer, then expert. `resamples` of the pairs; fewer than 2: the
// interval is NaN.
std::vector<RiskDifference> risk_differences(PairInput const& pairs, PairRowsOf const& of, MoeLayers const& moe_layers,
                                             std::int64_t resamples);
// risk_difference: SteerMoE's columns in its order, then ours; of every [[pairs]].
CsvTable risk_difference_table(PairInput const& pairs, MoeLayers const& moe_layers, std::int64_t resamples);

// The differences of the drawn pairs, tokens together: [L * E].
std::vector<double> pooled_differences(PairInput const& pairs, DrawnRows const& rows);
// Resamples of the pairs of one name, the same for everything that is computed of them.
std::vector<DrawnRows> resampled_pairs(PairRowsOf const& of, std::int64_t resamples);

}  // namespace gatesweep
