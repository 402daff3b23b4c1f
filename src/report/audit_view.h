// Private to report: tables/audit.csv and audit_pairs.csv, read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gatesweep/analysis/bootstrap.h"
#include "gatesweep/report/run_view.h"
#include "gatesweep/terms/audit_parameters.h"

namespace gatesweep {

struct AuditedCondition {
    AuditCondition condition = AuditCondition::topic;
    std::int64_t num_pairs = 0;
    std::vector<double> js;          // by layer with a router
    Estimate mean_js, mean_overlap;  // of all layers
};

// In the order of the table; empty without it. Errors: bad_data for a condition that is none, a layer without a router,
// and a condition without a row for all layers.
std::vector<AuditedCondition> read_audit(RunView const& run);

// Mean JS of one condition's pairs over that of another's; nothing where the run lacks one of them.
std::optional<Estimate> js_ratio(RunView const& run, AuditCondition of, AuditCondition to);

}  // namespace gatesweep
