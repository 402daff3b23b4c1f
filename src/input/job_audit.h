// [audit] of a job.
#pragma once

#include <string>

#include "gatesweep/terms/audit_parameters.h"
#include "job_parts.h"

namespace gatesweep {

// Without the section nothing is wanted; with it all conditions are, unless it names some.
AuditParameters read_audit(Section const& top, InputPlaces const& places);

// As TOML; empty where nothing is wanted.
std::string audit_text(AuditParameters const& audit);

}  // namespace gatesweep
