// Work that may fail on several ranks at once, told to the user by one of them.
#pragma once

#include <functional>

#include "gatesweep/comm/communicator.h"

namespace gatesweep {

// Runs `action` on every rank of `world`, a collective call. Where it fails anywhere, the lowest rank that failed
// throws its Error and the others wait for the end that it makes (MpiSession::abort): a fault that every rank finds,
// such as a damaged tensor, is one message and one exit code. Inside `action` a rank waits for others only after what
// can fail on some ranks and not on others.
void fail_once(Communicator const& world, std::function<void()> const& action);

}  // namespace gatesweep
