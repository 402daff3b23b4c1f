#pragma once

#include <vector>

#include "gatesweep/comm/communicator.h"

namespace gatesweep {

// The ranks of this test run.
Communicator const& world();

// Every expert-parallel degree that they can have.
std::vector<int> degrees();

}  // namespace gatesweep
