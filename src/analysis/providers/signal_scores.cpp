#include "signal_scores.h"

#include "analysis/prompt_maps.h"

namespace gatesweep {

ProviderScores signal_scores(ProviderContext const& context, SignalKind signal) {
    NdArray<double> const maps = prompt_maps(signal, context.input);
    return scores_of(context, [&](Draw const& draw) {
        return difference(mean_of(maps, draw.malicious), mean_of(maps, draw.benign));
    });
}

}  // namespace gatesweep
