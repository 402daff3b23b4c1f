// Private to report: the section about the classes of experts.
#pragma once

#include <string>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

std::string classes_section(RunView const& run);

}  // namespace gatesweep
