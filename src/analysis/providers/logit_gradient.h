// How the refusal margin answers to a small bias on an expert's logit.
#pragma once

#include "provider_context.h"

namespace gatesweep {

ProviderScores logit_gradient_scores(ProviderContext const& context);

}  // namespace gatesweep
