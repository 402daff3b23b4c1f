#include "gate_mass.h"

namespace gatesweep {

ProviderScores gate_mass_scores(ProviderContext const& context) {
    NdArray<double> per_token = context.measure(Measure::gate_mass);
    for (std::int64_t p = 0; p < per_token.shape[0]; ++p) {
        for (double& mass : per_token.row(p))
            mass /= static_cast<double>(context.input.num_tokens[static_cast<std::size_t>(p)]);
    }
    return scores_of(context, [&](Draw const& draw) {
        return difference(mean_of(per_token, draw.malicious), mean_of(per_token, draw.benign));
    });
}

}  // namespace gatesweep
