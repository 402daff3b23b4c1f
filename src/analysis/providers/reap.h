// REAP's saliency: how much an expert adds to what leaves the layer, where tokens go to it.
#pragma once

#include "provider_context.h"

namespace gatesweep {

ProviderScores reap_scores(ProviderContext const& context);

}  // namespace gatesweep
