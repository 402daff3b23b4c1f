#include "gatesweep/model/gathered_dispatch.h"

#include <utility>

#include "gatesweep/ops/gathered_plan.h"

namespace gatesweep {
namespace {

// Expert ids travel as columns of the rows that they belong to: integers of the same width, moved and never read as
// floats.
at::ScalarType integer_as_wide_as(at::ScalarType dtype) {
    return c10::elementSize(dtype) == 2 ? at::kShort : c10::elementSize(dtype) == 4 ? at::kInt : at::kLong;
}

at::Tensor with_id_columns(at::Tensor const& tokens, at::Tensor const& ids) {
    auto const dtype = tokens.scalar_type();
    return at::cat({tokens, ids.to(integer_as_wide_as(dtype)).contiguous().view(dtype)}, 1);
}

at::Tensor id_columns(at::Tensor const& rows, std::int64_t num_columns) {
    return rows.slice(1, num_columns).contiguous().view(integer_as_wide_as(rows.scalar_type())).to(at::kLong);
}

}  // namespace

GatheredTokens gather_tokens(TensorCollectives const& collectives, ExpertSplit const& split, at::Tensor const& tokens,
                             Routing const& routing, std::span<std::int64_t const> tokens_of_rank) {
    std::int64_t const num_ranks = std::ssize(tokens_of_rank), n = tokens.size(0), d = tokens.size(1);
    GatheredTokens out;
    out.tokens_of_rank.assign(tokens_of_rank.begin(), tokens_of_rank.end());
    at::Tensor const own_ids = routing.expert_ids.to(tokens.device());
    at::Tensor all_tokens = tokens, all_ids = own_ids;
    if (num_ranks > 1) {
        std::vector<std::int64_t> const send(static_cast<std::size_t>(num_ranks), n);
        at::Tensor const all =
            collectives.all_to_all_rows(with_id_columns(tokens, own_ids).repeat({num_ranks, 1}), send, tokens_of_rank);
        all_tokens = all.slice(1, 0, d);
        all_ids = id_columns(all, d);
    }
    GatheredIds const ids{all_ids, own_ids, split, collectives.communicator().rank()};
    GatheredPlan plan = plan_gathered(ids);
    out.places = ids.places();
    out.rows = all_tokens.index_select(0, plan.token_of_row);
    out.offsets = std::move(plan.offsets);
    out.answer_rows = std::move(plan.answer_rows);
    out.slot_places = std::move(plan.slot_places);
    return out;
}

at::Tensor return_slots(TensorCollectives const& collectives, at::Tensor const& outputs,
                        GatheredTokens const& gathered) {
    // Unused places name row 0, which must be there even where no token came to this rank's experts.
    at::Tensor const source = outputs.size(0) > 0 ? outputs : at::zeros({1, outputs.size(1)}, outputs.options());
    std::int64_t const num_ranks = std::ssize(gathered.tokens_of_rank);
    std::vector<std::int64_t> send;
    for (std::int64_t tokens : gathered.tokens_of_rank)
        send.push_back(tokens * gathered.places);
    auto const rank = static_cast<std::size_t>(collectives.communicator().rank());
    std::vector<std::int64_t> const receive(static_cast<std::size_t>(num_ranks), send[rank]);
    at::Tensor const answers = collectives.all_to_all_rows(source.index_select(0, gathered.answer_rows), send, receive);
    return answers.index_select(0, gathered.slot_places);
}

}  // namespace gatesweep
