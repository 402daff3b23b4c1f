// A plan of trials as what the model executes: variants of the router, and what tells two plans apart.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatesweep/ops/router_edits.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

// Variant t is trial t; variant 0, the baseline, edits nothing.
RouterEdits plan_edits(TrialPlan const& plan, std::int64_t num_layers);

// Of the trials, whose ids are digests of what they do, and of the tokens of the prompts `rows`.
std::string plan_digest(TrialPlan const& plan, std::vector<std::vector<std::int32_t>> const& prompts,
                        std::vector<std::int64_t> const& rows);

}  // namespace gatesweep
