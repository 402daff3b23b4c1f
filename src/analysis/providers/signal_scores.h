// The signals as providers: the gap of the group means, as in their classes.
#pragma once

#include "provider_context.h"

namespace gatesweep {

ProviderScores signal_scores(ProviderContext const& context, SignalKind signal);

}  // namespace gatesweep
