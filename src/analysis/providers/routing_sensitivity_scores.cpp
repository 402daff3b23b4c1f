#include "routing_sensitivity_scores.h"

#include "gatesweep/analysis/routing_sensitivity.h"

namespace gatesweep {

ProviderScores routing_sensitivity_scores(ProviderContext const& context) {
    RoutingSensitivity found = routing_sensitivity(context.input);
    ProviderScores out;
    out.scores = {found.num_layers, found.num_experts, std::move(found.score)};
    out.resampled = std::move(found.resampled);
    out.order = std::move(found.order);
    return out;
}

}  // namespace gatesweep
