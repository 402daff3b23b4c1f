// Private to report: every table of the run, whole.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

std::string all_tables_section(RunView const& run);

}  // namespace gatesweep
