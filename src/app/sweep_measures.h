// From records of a sweep to the numbers of its tables: pure, on the final rank.
#pragma once

#include <vector>

#include "completions.h"
#include "gatesweep/base/nd_array.h"
#include "gatesweep/sweep/execution.h"
#include "gatesweep/sweep/outcomes.h"

namespace gatesweep {

// Prompts that are generated on, ascending; `only` restricts to some groups.
std::vector<std::int64_t> sweep_rows(Inputs const& inputs);
std::vector<std::int64_t> rows_of_groups(Inputs const& inputs, std::vector<std::string> const& groups);

// Labels and side effects in the order that the tables want. `counts` [P,L,E] are the job's activation counts.
SweepOutcomes collect_outcomes(Inputs const& inputs, TrialPlan const& plan, std::vector<Completion> const& completions,
                               std::vector<LabelledText> const& texts, std::vector<ForcedScore> const& scores,
                               NdArray<std::int64_t> const& counts);

}  // namespace gatesweep
