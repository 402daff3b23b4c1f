// The contrastive routing-sensitivity criterion: which experts answer to harm with the topic held fixed, and little to
// the topic.
//
//   r(x)  share of expert (l, e) in the routing of prompt x: its entry of the routing vector (routing_divergence.h)
//   D_s   mean over matched prompts, harmful h and benign b of one topic, of r(h) - r(b), with its sign
//   Z     D_s over its standard error, sd / sqrt(n)
//   D_t   mean over pairs of prompts of one group and of different topics, u and v, of |r(u) - r(v)|
//   CRS   |D_s| / (D_t + eps); the score is D_s / (D_t + eps), which keeps the direction: above 0 is more on harmful
//         prompts. eps is a twentieth of even use, 0.05 / E, so that an expert that hardly any prompt uses does not
//         come first by a small denominator
//
// Stability: an expert is stable where it is among the first `top` by |score| in at least 80 % of the resamples. Stable
// experts rank before all others; without resamples nothing is selected.
//
// This is our reading of RASET (arXiv 2605.29708), which says that it finds experts by such a criterion; its formula
// was not at hand.
#pragma once

#include <cstdint>
#include <vector>

#include "gatesweep/base/nd_array.h"
#include "gatesweep/store/csv.h"

namespace gatesweep {

struct AnalysisInput;

inline constexpr double stable_share = 0.8;

struct RoutingSensitivity {
    std::int64_t num_layers = 0, num_experts = 0;
    // [L * E] each
    std::vector<double> contrast, z, topic_change, score;  // D_s; Z, NaN for one pair; D_t
    std::vector<double> share_in_top;                      // of the resamples; empty without them
    std::vector<std::int64_t> order;                       // stable ones first, each part by |score|
    NdArray<double> resampled;                             // [B, L, E] scores of resampled pairs
    std::int64_t top = 0;

    bool is_stable(std::size_t expert) const { return share_in_top.empty() || share_in_top[expert] >= stable_share; }
};

// Errors: bad_data where the run holds no audit; those of audit_pairs.
RoutingSensitivity routing_sensitivity(AnalysisInput const& input);
// routing_sensitivity: by layer, then expert.
CsvTable routing_sensitivity_table(AnalysisInput const& input);

}  // namespace gatesweep
