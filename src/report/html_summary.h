// Private to report: the page's first sections.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

// Sections.
std::string what_was_run(RunView const& run, std::string const& manifest_rows);

std::string in_short(RunView const& run);

std::string cautions(RunView const& run);

std::string marked_section(RunView const& run);  // empty without marked experts

}  // namespace gatesweep
