#pragma once

#include <string>

namespace gatesweep {

// Of this node, as the system gives it; "unknown" where it does not.
std::string host_name();

}  // namespace gatesweep
