// A clean stop of every rank at one place.
#pragma once

#include "gatesweep/comm/communicator.h"

namespace gatesweep {

// Collective over `world`. Returns when no rank says `stopped`; else throws Error(ExitCode::stopped) on every rank,
// none of which may have work left that is worth committing.
void stop_together(Communicator const& world, bool stopped);

}  // namespace gatesweep
