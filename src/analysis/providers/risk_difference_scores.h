// SteerMoE's risk difference, of the first [[pairs]].
#pragma once

#include "provider_context.h"

namespace gatesweep {

ProviderScores risk_difference_scores(ProviderContext const& context);

}  // namespace gatesweep
