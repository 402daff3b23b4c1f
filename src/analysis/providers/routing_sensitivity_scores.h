// The contrastive routing-sensitivity criterion (analysis/routing_sensitivity.h), whose stable experts come first.
#pragma once

#include "provider_context.h"

namespace gatesweep {

ProviderScores routing_sensitivity_scores(ProviderContext const& context);

}  // namespace gatesweep
