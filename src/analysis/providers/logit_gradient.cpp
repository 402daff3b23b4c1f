#include "logit_gradient.h"

#include <cmath>

#include "gatesweep/base/error.h"

namespace gatesweep {

ProviderScores logit_gradient_scores(ProviderContext const& context) {
    NdArray<double> const& gradients = context.measure(Measure::margin_gradient);
    for (DrawnRow const& drawn : context.measured.malicious) {
        GATESWEEP_VALIDATE(
            !std::isnan(gradients.row(drawn.row)[0]), ExitCode::bad_data,
            "arrays/{}.npy: has nothing of prompt {} (margins were measured on another group than \"{}\"): "
            "run the job anew with this group as [analysis] malicious, or leave logit-gradient out",
            facts_of(Measure::margin_gradient).word, drawn.row, printable(context.input.parameters.malicious));
    }
    return scores_of(context, [&](Draw const& draw) { return mean_of(gradients, draw.malicious); });
}

}  // namespace gatesweep
