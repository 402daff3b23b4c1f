// Private to report: the page's sections about the signals.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

std::string coverage_section(RunView const& run);
std::string top_experts_section(RunView const& run);
std::string layers_section(RunView const& run);

}  // namespace gatesweep
