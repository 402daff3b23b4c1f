// A check that one rank knows, made known to all.
#pragma once

#include "check.h"
#include "gatesweep/comm/communicator.h"

namespace gatesweep {

// Collective: afterwards every rank has the root's.
void share_check(Check& check, Communicator const& ranks, int root);

}  // namespace gatesweep
