// Experts of all layers in the order of their scores, and where in that order the mass lies.
// After arXiv 2605.24270: ranking, coverage k80/k90/k95, elbow.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/analysis/score_maps.h"

namespace gatesweep {

struct RankedExpert {
    ExpertId id;
    double score = 0.0;
    double cumulative_score = 0.0;     // of this and all higher ranks, summed from the highest
    double cumulative_fraction = 0.0;  // of the sum over all experts; 0 when that sum is 0
};

// All L x E experts by descending score, equal scores by layer, then expert.
std::vector<RankedExpert> rank_experts(MapView map, MoeLayers const& moe_layers = {});

// Experts of the first `num_top` ranks (all when there are fewer), ordered by layer, then expert.
std::vector<ExpertId> top_experts(std::span<RankedExpert const> ranking, std::int64_t num_top);

// Those that are among the first `num_top` ranks of both, ordered by layer, then expert.
std::vector<ExpertId> top_overlap(std::span<RankedExpert const> a, std::span<RankedExpert const> b,
                                  std::int64_t num_top);

// Numbers of experts are doubles because means over prompts are stored in the same form.
struct Coverage {
    std::vector<double> k;  // per level: the smallest number of experts whose scores make up that fraction of the sum
    double k_elbow = 0.0;   // the rank (from 1) before the largest drop between neighbours, the first of equal drops
    double top1 = 0.0;      // the largest score
    double top5 = 0.0;      // the sum of the five largest (of all when there are fewer)
};

// A sum of floats misses an exact level by rounding (8 of 10 equal scores are 0.8 of their sum, 0.1 + ... is not), so a
// level counts as reached within 1e-12 of it, and a drop as larger only beyond 1e-12 of the largest score. A map of
// zeros has k = 0 and k_elbow = 0.
Coverage coverage(std::span<RankedExpert const> ranking, std::span<double const> levels);

// The mean of each number.
Coverage mean_coverage(std::span<Coverage const> coverages);

}  // namespace gatesweep
