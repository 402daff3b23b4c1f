// Names and versions of the libraries beside libtorch and MPI, as they were built against, or loaded where a library
// tells.
#pragma once

#include <string>

namespace gatesweep {

std::string linked_libraries();  // "Boost 1.74, CLI11 2.3.2, ..."

}  // namespace gatesweep
