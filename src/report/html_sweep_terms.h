// Private to report: what the words about a sweep mean.
#pragma once

#include <string>

#include "gatesweep/report/run_view.h"
#include "html_parts.h"

namespace gatesweep {

std::string sweep_terms();  // <dt><dd> pairs for the reading guide

}  // namespace gatesweep
