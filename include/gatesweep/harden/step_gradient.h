// The gradient of one step: its texts are cut into parts, each a pass of one rank, and what the parts give is added up
// in their order. So the bits do not depend on ranks, copies or expert parallel.
#pragma once

#include <cstdint>
#include <vector>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/harden/training_text.h"
#include "gatesweep/model/adapter.h"
#include "gatesweep/model/decoder.h"

namespace gatesweep {

struct LossWeights {
    double beta = 1.0, gamma = 0.0;
    bool needs_base() const { return beta > 0.0 || gamma > 0.0; }
};

struct StepLosses {
    double refusal = 0.0;  // mean over the rows of refusals, nats
    double kl = 0.0;       // mean over those of other texts
    double drift = 0.0;    // mean KL(base || now) of the routes, over tokens and layers; 0 where gamma is 0
    double total(LossWeights const& weights) const { return refusal + weights.beta * kl + weights.gamma * drift; }
};

struct StepGradient {
    StepLosses losses;
    std::vector<double> values;  // as num_values (adamw.h) orders them; empty of a look without gradient
    RowCounts rows;
};

enum class Look { losses, losses_and_gradient };

// Every rank of the world calls it with the same texts, and gets the same result. The model has no adapter before and
// after. Errors: those of the passes; bad_data where a loss is not finite.
StepGradient step_gradient(Decoder& model, ParallelLayout const& layout, Adapter const& adapter,
                           std::vector<TrainingText> const& texts, std::int64_t num_parts, LossWeights const& weights,
                           TapePolicy policy, Look look);

// Indices of the texts of each part: of similar sizes, from the longest text on.
std::vector<std::vector<std::size_t>> cut_into_parts(std::vector<TrainingText> const& texts, std::int64_t num_parts);

}  // namespace gatesweep
