// The log ratio of two groups' use of an expert: what a bias on its logit would have to undo.
#pragma once

#include "provider_context.h"

namespace gatesweep {

ProviderScores log_ratio_scores(ProviderContext const& context);

}  // namespace gatesweep
