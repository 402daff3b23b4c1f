// Private to report: how much of the routing changes with topic, with harm and with refusing.
#pragma once

#include <string>

#include "gatesweep/report/run_view.h"

namespace gatesweep {

std::string audit_section(RunView const& run);  // empty without tables/audit.csv

}  // namespace gatesweep
