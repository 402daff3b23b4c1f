#pragma once

#include "gatesweep/comm/communicator.h"

namespace gatesweep {

// The ranks of this test run.
Communicator const& world();

}  // namespace gatesweep
