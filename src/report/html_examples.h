// Private to report: replies side by side. Empty for a run without a sweep.
#pragma once

#include <string>

#include "gatesweep/report/run_view.h"
#include "html_parts.h"

namespace gatesweep {

std::string examples_section(RunView const& run);  // from completions.jsonl; errors: as read_replies

}  // namespace gatesweep
