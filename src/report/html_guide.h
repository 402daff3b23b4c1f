// Private to report: what the page's words mean.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

std::string reading_guide(RunView const& run);
std::string lab_map();

}  // namespace gatesweep
