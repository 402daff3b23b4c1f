#include "prompt_maps.h"

namespace gatesweep {

NdArray<double> prompt_maps(SignalKind signal, AnalysisInput const& input) {
    switch (signal) {
        case SignalKind::activation:
            return normalise_layers(input.activation_counts);
        case SignalKind::gradient:
            return input.gradient_scores;
        case SignalKind::gradient_share:
            break;
    }
    return normalise_layers(input.gradient_scores);
}

}  // namespace gatesweep
