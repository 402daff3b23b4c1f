// The weight that the router gives an expert, where activation only counts choices.
#pragma once

#include "provider_context.h"

namespace gatesweep {

ProviderScores gate_mass_scores(ProviderContext const& context);

}  // namespace gatesweep
