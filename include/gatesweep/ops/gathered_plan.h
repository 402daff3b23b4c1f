// Which row goes where in gathered_dispatch.h, from the experts that all tokens of the group chose.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>

#include "gatesweep/comm/parallel_layout.h"

namespace gatesweep {

struct GatheredIds {
    at::Tensor all;  // [m,K] int64, of the tokens of every rank, in their order
    at::Tensor own;  // [n,K] int64, of this rank's
    ExpertSplit split;
    std::int64_t rank = 0;  // this one, of those that share the experts

    ExpertRange mine() const { return split.of(rank); }
    // Rows that come back for a token from each rank: more of one token's slots no rank can own.
    std::int64_t places() const { return std::min(all.size(1), split.largest()); }
};

struct GatheredPlan {
    at::Tensor offsets;  // [e+1] int64: first row of each local expert
    at::Tensor
        token_of_row;  // int64, by local expert, then token: [R] on the CPU; elsewhere [m * places], any from R on
    at::Tensor answer_rows;  // [m * places] int64: the row of a token's j-th slot among this rank's experts; else row 0
    at::Tensor slot_places;  // [n * K] int64: where each own slot stands in what all ranks send back
};

// By a kernel on a GPU, else composed of ATen calls.
GatheredPlan plan_gathered(GatheredIds const& ids);

namespace generic {
GatheredPlan plan_gathered(GatheredIds const& ids);
}

}  // namespace gatesweep
