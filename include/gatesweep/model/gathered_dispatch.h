// Tokens to experts and back where nothing that the host does depends on the routing: the way of decode steps on GPUs.
//
// Every rank sends its tokens, with the experts they chose, once to every rank of the group; each picks out the rows of
// its own experts, and sends back a fixed number of rows for every token: min(K, the most experts of a rank), more of
// one token's slots no rank can own. So sizes follow from the number of tokens alone, known once a step, and no rank
// waits in every layer for counts to come to the host and go to the others. It costs more bytes than sending routed
// slots only, which a decode step's few rows do not feel. Experts see the same rows in the same order as in the counted
// way (token_dispatcher.h), so the results are the same bits.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/comm/tensor_collectives.h"
#include "gatesweep/ops/router.h"

namespace gatesweep {

struct GatheredTokens {
    // Rows by local expert, then source rank, then token: [R,D] on the CPU. On a GPU [C,D] with C >= R known from the
    // number of tokens alone; the rows from R on belong to no expert of this rank, and nobody reads what becomes of
    // them.
    at::Tensor rows;
    at::Tensor offsets;  // [e+1] int64, first row of each local expert, the last is R; where the tokens are

    std::vector<std::int64_t> tokens_of_rank;  // of every rank of the group
    std::int64_t places = 0;                   // rows that come back for a token from each rank
    at::Tensor answer_rows;  // the row that goes to each place of what is sent back; any row to unused places
    at::Tensor slot_places;  // [N] where each routed slot of this rank stands in what comes back
};

// tokens [n,D] and their routing; n = tokens_of_rank[this rank]. Collective.
GatheredTokens gather_tokens(TensorCollectives const& collectives, ExpertSplit const& split, at::Tensor const& tokens,
                             Routing const& routing, std::span<std::int64_t const> tokens_of_rank);

// What the experts made of `rows`, to the ranks whose tokens they were: -> [N,D] in routed slot order. Collective.
at::Tensor return_slots(TensorCollectives const& collectives, at::Tensor const& outputs,
                        GatheredTokens const& gathered);

}  // namespace gatesweep
