// SAFEx's stability selection (arXiv 2506.17368): which experts stay among the most used when prompts are resampled.
#pragma once

#include "provider_context.h"

namespace gatesweep {

ProviderScores safex_scores(ProviderContext const& context);

}  // namespace gatesweep
