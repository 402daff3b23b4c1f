// How many tokens of each prompt chose each expert. Integers: exact, and independent of any order.
#pragma once

#include <cstdint>
#include <vector>

#include "gatesweep/model/packed_batch.h"
#include "gatesweep/ops/router.h"

namespace gatesweep {

std::vector<std::int64_t> activation_counts(PackedBatch const& batch,
                                            Routing const& routing);  // [prompts, E] row-major

}  // namespace gatesweep
