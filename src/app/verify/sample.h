// The prompts that `gatesweep verify` works with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatesweep/model/model_config.h"
#include "gatesweep/signal/batch_plan.h"

namespace gatesweep {

// The `per_end` shortest and the `per_end` longest prompts of every group (ties by row), as rows in ascending order.
std::vector<std::int64_t> sample_prompts(std::vector<std::string> const& groups,
                                         std::vector<std::int64_t> const& prompt_tokens, std::int64_t per_end);

// The shortest prompt of at least `enough` tokens; the longest when there is none.
std::int64_t short_prompt(std::vector<std::int64_t> const& prompt_tokens, std::int64_t enough);

// The prompts of a plan in an arbitrary but fixed order, cut into batches of at most `batch_tokens` again.
BatchPlan shuffled_plan(std::vector<std::int64_t> const& prompt_tokens, std::int64_t batch_tokens, std::uint64_t seed);

}  // namespace gatesweep
