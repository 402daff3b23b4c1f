#include "logit_gradient.h"

namespace gatesweep {

ProviderScores logit_gradient_scores(ProviderContext const& context) {
    NdArray<double> const& gradients = context.measure(Measure::margin_gradient);
    return scores_of(context, [&](Draw const& draw) { return mean_of(gradients, draw.malicious); });
}

}  // namespace gatesweep
